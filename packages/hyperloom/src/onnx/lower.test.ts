import { describe, expect, test } from 'vitest';
import { ortEngine } from '../engine/ort/index.ts';
import { evaluate } from '../engine/reference/index.ts';
import {
  type Aval,
  add,
  broadcastTo,
  matmul,
  mul,
  type NdArray,
  named,
  ndarray,
  type Program,
  reshape,
  sum,
  type Tensor,
  trace,
  transpose,
  transposeMatrix,
} from '../tensor/index.ts';
import { lower } from './lower.ts';
import { toOnnx } from './onnx.ts';
import { optimize } from './passes/optimize.ts';

const matrix: Aval = { dtype: 'float32', shape: [2, 3] };
const stack: Aval = { dtype: 'float32', shape: [4, 2, 3] };
const types = (program: Program): string[] => lower(optimize(program), { block: 0 }).nodes.map(({ type }) => type);

describe('lower', () => {
  test('a product takes transposed factors as they are', () => {
    const { program } = trace((x: Tensor) => matmul(transposeMatrix(x), x), matrix);
    expect(types(program)).toEqual(['Gemm']);
    const stacked = trace((x: Tensor) => matmul(x, transposeMatrix(x)), stack).program;
    expect(types(stacked)).toEqual(['FusedMatMul']);
  });

  test('a transpose that something else needs is written once', () => {
    const { program } = trace((x: Tensor) => [matmul(transposeMatrix(x), x), transposeMatrix(x), transpose(x)], matrix);
    expect(types(program).sort()).toEqual(['Gemm', 'Identity', 'Transpose']);
  });

  test('broadcasts are left to what reads them', () => {
    const { program } = trace((x: Tensor, y: Tensor) => add(broadcastTo(x, [4, 2, 3]), y), matrix, stack);
    expect(types(program)).toEqual(['Add']);
  });

  test('axes that stay together move together', () => {
    const five: Aval = { dtype: 'float32', shape: [2, 3, 4, 5, 6] };
    const graph = lower(trace((x: Tensor) => transpose(x, [2, 3, 0, 1, 4]), five).program, { block: 0 });
    expect(graph.nodes.map(({ type, attrs }) => [type, attrs.perm])).toEqual([
      ['Reshape', undefined],
      ['Transpose', [1, 0, 2]],
      ['Reshape', undefined],
    ]);
  });

  test('inputs and outputs keep their names, and nodes say where they come from', () => {
    const f = (p: { fc: { weight: Tensor } }) => ({
      loss: named('fc', () => sum(mul(p.fc.weight, 3))),
      w: p.fc.weight,
    });
    const graph = lower(optimize(trace(f, { fc: { weight: matrix } }).program), { block: 0 });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['fc.weight']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['loss', 'w']);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['fc/mul/Mul', 'fc/reduceSum/ReduceSum', 'w']);
  });

  test('the same program gives the same bytes', () => {
    const bytes = () => toOnnx(trace((x: Tensor) => mul(x, 2), matrix).program);
    expect(bytes()).toEqual(bytes());
  });

  test('one value may be several outputs under several shapes', async () => {
    const f = (x: Tensor) => {
      const y = mul(x, 2);
      return [x, y, reshape(y, [3, 2]), y, reshape(reshape(y, [6]), [2, 3]), transpose(reshape(y, [1, 6]))];
    };
    const { program } = trace(f, matrix);
    const inputs: NdArray[] = [
      ndarray([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ];
    const engine = ortEngine({ threads: 1, spinning: false });
    const found = await (await engine.compile(program)).run(inputs);
    evaluate(program, inputs).forEach((expected, i) => {
      expect(found[i]!.shape).toEqual(expected.shape);
      expect(Array.from(found[i]!.data)).toEqual(Array.from(expected.data));
    });
    await engine.dispose();
  });
});
