import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import {
  type Aval,
  add,
  broadcastTo,
  concat,
  constant,
  conv,
  layerNorm,
  matmul,
  mul,
  named,
  ndarray,
  type Program,
  random,
  relu,
  reshape,
  scan,
  sum,
  type Tensor,
  tanh,
  trace,
  transposeMatrix,
  zerosArray,
} from '../tensor/index.ts';
import { toPortableOnnx } from './portable.ts';

const f32 = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
const decoded = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);
const types = (graph: GraphProto | undefined): string[] => graph!.node.map(({ opType }) => opType);
const axes = (values: GraphProto['input']) =>
  values.map(({ name, type }) => {
    const tensor = type!.value.value as { shape: { dim: { value: { value: unknown } }[] } };
    return [name, ...tensor.shape.dim.map(({ value }) => value.value)];
  });
/** A graph and those inside it. */
const graphsWithin = (graph: GraphProto): GraphProto[] => [
  graph,
  ...graph.node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => (g ? graphsWithin(g) : []))),
];

type Net = { w: Tensor; b: Tensor };
const layer = ({ w, b }: Net, x: Tensor) => named('fc', () => relu(add(matmul(x, w), b)));
const weights = { w: zerosArray('float32', [3, 2]), b: zerosArray('float32', [2]) };

describe('toPortableOnnx', () => {
  test('one batched graph, with the names of the program, in a file of ONNX 1.12', () => {
    const { program } = trace((p: Net, x: Tensor) => ({ y: layer(p, x) }), weights, f32(1, 3));
    const model = decoded(toPortableOnnx(program, weights));
    expect([model.irVersion, model.opsetImport.map(({ domain, version }) => [domain, version])]).toEqual([
      8n,
      [['', 17n]],
    ]);
    expect(axes(model.graph!.input)).toEqual([['arg1', 'batch', 1n, 3n]]);
    expect(axes(model.graph!.output)).toEqual([['y', 'batch', 1n, 2n]]);
    expect(model.graph!.initializer.map(({ name }) => name).slice(0, 2)).toEqual(['w', 'b']);
    expect(model.graph!.node.map(({ name }) => name)).toContain('fc/matmul/MatMul');
  });

  test('sizes that one reshape cannot find are computed from the input', () => {
    const f = (x: Tensor) => concat([broadcastTo(x, [4, 3]), constant(zerosArray('float32', [1, 3]))]);
    const model = decoded(toPortableOnnx(trace(f, f32(3)).program));
    expect(types(model.graph)).toEqual(expect.arrayContaining(['Shape', 'Expand', 'Concat']));
    expect(types(model.graph)).not.toContain('Scan');
  });

  test('a layer norm is one node for a batch of any size', () => {
    const bytes = toPortableOnnx(trace((x: Tensor) => ({ y: layerNorm(x, { axis: [1, 2] }) }), f32(2, 3, 5)).program);
    const { graph } = decoded(bytes);
    expect(types(graph)).toEqual(['Reshape', 'LayerNormalization', 'Reshape']);
    expect(axes(graph!.output)).toEqual([['y', 'batch', 2n, 3n, 5n]]);
  });

  test('a loop is one Scan for a batch of any size, with the batch open in its body too', () => {
    const f = ({ w, x }: { w: Tensor; x: Tensor }) => {
      const step = (h: Tensor, v: Tensor) => {
        const next = reshape(layerNorm(reshape(add(matmul(reshape(h, [1, 6]), w), v), [2, 3])), [6]);
        return [next, sum(next)] as const;
      };
      const [last, ys] = scan(step, constant(zerosArray('float32', [6])), x);
      return { last, ys };
    };
    const w = zerosArray('float32', [6, 6]);
    const { graph } = decoded(toPortableOnnx(trace(f, { w: f32(6, 6), x: f32(7, 1, 6) }).program, { w }));
    const scans = graph!.node.filter(({ opType }) => opType === 'Scan');
    expect(scans).toHaveLength(1);
    const body = scans[0]!.attribute.find(({ name }) => name === 'body')!.g!;
    expect(types(body)).toContain('LayerNormalization');
    expect(axes(body.input).map((axis) => axis.slice(1))).toEqual([
      ['batch', 6n],
      ['batch', 1n, 6n],
    ]);
    expect(axes(graph!.output)).toEqual([
      ['last', 'batch', 6n],
      ['ys', 'batch', 7n],
    ]);
  });

  test('a loop in a scan over examples shares no name with what is around it', () => {
    const table = constant(zerosArray('float32', [40, 2]));
    const f = (kernel: Tensor, image: Tensor, start: Tensor, own: Tensor) => {
      const step = (h: Tensor, row: Tensor) =>
        [tanh(mul(mul(h, 0.25), sum(mul(tanh(add(table, h)), row)))), h] as const;
      const [last, ys] = scan(step, start, reshape(conv(image, kernel), [4, 2]));
      return { last, ys, apart: tanh(mul(mul(own, 0.25), sum(own))) };
    };
    const { program } = trace(f, f32(2, 1, 3, 3), f32(1, 1, 4, 4), f32(2), f32(2));
    const { graph } = decoded(toPortableOnnx(program, { arg3: zerosArray('float32', [2]) }));
    const bodies = graphsWithin(graph!);
    expect(bodies).toHaveLength(3);
    const names = bodies.flatMap(({ input, initializer, node }) => [
      ...[...input, ...initializer].map(({ name }) => name),
      ...node.flatMap(({ output }) => output),
    ]);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    const known = new Set(names);
    expect(bodies.flatMap(({ node }) => node.flatMap(({ input }) => input)).filter((name) => !known.has(name))).toEqual(
      [],
    );
  });

  test('kernels that differ by example are a scan over the graph of one example', () => {
    const f = (w: Tensor, x: Tensor, scale: Tensor) => ({ y: conv(x, mul(w, scale)), twice: add(w, w) });
    const { program } = trace(f, f32(4, 2, 3, 3), f32(1, 2, 5, 5), f32());
    const shared = decoded(toPortableOnnx(program, { arg2: ndarray(2), arg0: zerosArray('float32', [4, 2, 3, 3]) }));
    expect(types(shared.graph)).not.toContain('Scan');
    const model = decoded(toPortableOnnx(program, { arg0: zerosArray('float32', [4, 2, 3, 3]) }));
    expect(types(model.graph)).toEqual(['Add', 'Scan']);
    expect(axes(model.graph!.output)).toEqual([
      ['y', 'batch', 1n, 4n, 3n, 3n],
      ['twice', 4n, 2n, 3n, 3n],
    ]);
    const body = model.graph!.node[1]!.attribute.find(({ name }) => name === 'body')!.g!;
    expect(types(body)).toEqual(['Mul', 'Conv']);
  });

  test('operators of ONNX alone, and one convolution for a convolution', () => {
    const f = (x: Tensor, w: Tensor) => [
      matmul(x, transposeMatrix(x)),
      conv(x, w, {
        padding: [
          [3, 3],
          [3, 3],
        ],
      }),
    ];
    const { program } = trace(f, f32(8, 16, 14, 14), f32(16, 16, 7, 7));
    const { graph, opsetImport } = decoded(toPortableOnnx(program, { arg1: zerosArray('float32', [16, 16, 7, 7]) }));
    expect(opsetImport).toHaveLength(1);
    expect(types(graph).filter((type) => type === 'Conv')).toHaveLength(1);
  });

  test('says what does not fit', () => {
    const { program } = trace((p: Net, x: Tensor) => ({ y: layer(p, x) }), weights, f32(1, 3));
    expect(() => toPortableOnnx(program, { v: ndarray([1]) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: onnx: expected weights that are inputs, got v]`,
    );
    expect(() => toPortableOnnx(program, { w: ndarray([1]) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: onnx: expected w as float32 [3, 2], got float32 [1]]`,
    );
    const twice: Program = { ...program, outputs: [...program.outputs, ...program.outputs] };
    expect(() => toPortableOnnx(twice, weights)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: onnx: expected each name once, got y twice]`,
    );
    const drawn = trace((x: Tensor) => sum(mul(random.normal(random.key(1), [3]), x)), f32(3)).program;
    expect(() => toPortableOnnx(drawn)).toThrow(/operator set 17, got BitwiseXor/);
  });
});
