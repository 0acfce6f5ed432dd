import { describe, expect, test } from 'vitest';
import { compileFunction } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { evaluate } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import {
  type Aval,
  div,
  type NdArray,
  ndarray,
  random,
  sign,
  square,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
  zerosArray,
} from '../tensor/index.ts';
import {
  codes,
  constantInit,
  defineHead,
  type Head,
  heads,
  hyperfanIn,
  hypernetwork,
  inspect,
  moments,
} from './index.ts';

/** A hypernetwork of which the test knows no more than that it is one. */
interface Any {
  init(key: Tensor): never;
  apply(params: never, input: { readonly code: Tensor; readonly input: Tensor }): Tensor;
  materialise(params: never, code: Tensor): unknown;
}

const anyModel = (target: unknown, head: unknown, code: number): Any =>
  hypernetwork(target as nn.Module, { code, head: head as Head }) as unknown as Any;

const key = ndarray(new Uint32Array([0, 7]), [2]);
const keySpec = { dtype: 'uint32', shape: [2] } as const;

/** Runs a function of a key (and arrays) on the reference engine. */
function run(f: (...args: never[]) => unknown, ...args: NdArray[]): NdArray[] {
  return evaluate(trace(f, ...args.map(({ dtype, shape }) => ({ dtype, shape }))).program, args);
}

const cnn = () =>
  nn.sequential({
    conv1: nn.conv2d({ in: 1, out: 16, kernel: 7, padding: 3 }),
    relu1: nn.relu,
    pool1: nn.maxPool({ window: 2 }),
    conv2: nn.conv2d({ in: 16, out: 16, kernel: 7, padding: 3 }),
    relu2: nn.relu,
    pool2: nn.maxPool({ window: 2 }),
    flatten: nn.flatten,
    fc: nn.linear({ in: 784, out: 10 }),
  });

describe('hypernetwork', () => {
  test('the MNIST network of Ha et al. has 12,910 parameters where the direct one has 21,210', () => {
    const target = cnn();
    const model = hypernetwork(target, { head: heads.layerwise({ embedding: 4 }), generate: 'conv2.weight' });
    expect(nn.countParams(target.spec)).toBe(21_210);
    expect(nn.countParams(model.spec)).toBe(12_910);
    expect(nn.countParams(model.spec.head)).toBe(4_244);
    expect(Object.keys(model.generated)).toEqual(['conv2.weight']);
  });

  test('a layerwise kernel is W_out (W_i z + B_i) + B_out, slice by slice', () => {
    const conv = nn.conv2d({ in: 2, out: 3, kernel: 2 });
    const model = hypernetwork(conv, { head: heads.layerwise({ embedding: 2, hidden: 3 }), generate: 'weight' });
    const [generator] = Object.keys(model.spec.head);
    const params = run((k: Tensor) => tree.map((t: Tensor) => t, model.init(k)), key);
    const [weight] = run((k: Tensor) => model.generate(model.init(k)).weight, key);
    const paths = tree.paths(model.spec);
    const of = (name: string) => params[paths.indexOf(`head.${generator}.${name}`)]!.data;
    const [z, win, bin, wout, bout] = [of('z'), of('in.weight'), of('in.bias'), of('out.weight'), of('out.bias')];
    for (let o = 0; o < 3; o++) {
      for (let i = 0; i < 2; i++) {
        for (let p = 0; p < 4; p++) {
          let value = bout[o * 4 + p]!;
          for (let d = 0; d < 3; d++) {
            const a = bin[i * 3 + d]! + z[0]! * win[i * 3 + d]! + z[1]! * win[6 + i * 3 + d]!;
            value += a * wout[d * 12 + o * 4 + p]!;
          }
          expect(weight!.data[(o * 2 + i) * 4 + p]).toBeCloseTo(value, 10);
        }
      }
    }
  });

  test('tiles of one size share a generator, and each has its embedding', () => {
    const target = nn.sequential({
      a: nn.conv2d({ in: 16, out: 16, kernel: 3 }),
      b: nn.conv2d({ in: 16, out: 32, kernel: 3 }),
      c: nn.conv2d({ in: 32, out: 32, kernel: 3 }),
    });
    const model = hypernetwork(target, {
      head: heads.layerwise({ embedding: 8, tile: [16, 16] }),
      generate: '*.weight',
    });
    const generators = Object.values(model.spec.head);
    expect(generators.map((g) => g.z.shape)).toEqual([[1 + 2 + 4, 8]]);
    const variances = run((k: Tensor) => Object.values(model.generate(model.init(k))), key).map(
      (w) => moments(w).variance,
    );
    const expected = Object.values(model.generated).map((w) => w.init.std!(w) ** 2);
    variances.forEach((v, i) => {
      expect(v / expected[i]!).toBeGreaterThan(0.3);
      expect(v / expected[i]!).toBeLessThan(3);
    });
  });

  test('every head fits any target, from one code or several', () => {
    const targets = [
      nn.mlp({ in: 3, hidden: [5], out: 2 }),
      nn.embedding({ count: 4, size: 3 }),
      cnn(),
      nn.groupNorm({ channels: 4, groups: 2 }),
    ];
    for (const target of targets) {
      for (const head of [heads.dense(), heads.dense({ hidden: [6] }), heads.layerwise({ embedding: 3 })]) {
        const model = anyModel(target, head, 3);
        const init = (k: Tensor, c: Tensor): unknown => model.materialise(model.init(k), c);
        const { output } = trace(init, keySpec, { dtype: 'float32', shape: [3] });
        const shapes = (leaves: unknown) => tree.leaves<Aval>(leaves).map(({ shape }) => shape);
        expect(shapes(output)).toEqual(shapes(target.spec));
      }
    }
  });

  test('gradients reach code, head and stored weights', () => {
    const target = nn.mlp({ in: 3, hidden: [5], out: 2 });
    const model = hypernetwork(target, {
      code: codes.embeddings({ count: 4, size: 3 }),
      head: heads.dense({ hidden: [6] }),
      generate: '**.weight',
    });
    const loss = (params: nn.ParamsOf<typeof model>, code: Tensor, x: Tensor) =>
      sum(square(model.apply(params, { code, input: x })));
    const gradients = run(
      (k: Tensor, code: Tensor, x: Tensor) => valueAndGrad(loss)(model.init(k), code, x)[1],
      key,
      ndarray(new Int32Array([2]), []),
      ndarray([1, -2, 0.5]),
    );
    const dead = tree.paths(model.spec).filter((_, i) => gradients[i]!.data.every((g) => g === 0));
    expect(dead).toEqual([]);
  });

  test('a code for each example equals a loop over examples', () => {
    const target = cnn();
    const model = hypernetwork(target, {
      code: 3,
      head: heads.dense({ hidden: [4] }),
      generate: ['conv1.*', 'fc.bias'],
    });
    const xs = {
      ...zerosArray('float32', [3, 1, 28, 28]),
      data: Float32Array.from({ length: 3 * 784 }, (_, i) => Math.sin(i)),
    };
    const cs = ndarray([
      [1, 0, 0],
      [0, 1, -1],
      [0.5, 2, 0],
    ]);
    const [batch] = run(
      (k: Tensor, code: Tensor, input: Tensor) =>
        vmap((c: Tensor, x: Tensor) => model.apply(model.init(k), { code: c, input: x }))(code, input),
      key,
      cs,
      xs,
    );
    for (let i = 0; i < 3; i++) {
      const c = ndarray(cs.data.slice(i * 3, i * 3 + 3), [3]);
      const x = ndarray(xs.data.slice(i * 784, (i + 1) * 784), [1, 28, 28]);
      const [one] = run(
        (k: Tensor, code: Tensor, input: Tensor) => model.apply(model.init(k), { code, input }),
        key,
        c,
        x,
      );
      one!.data.forEach((value, j) => {
        expect(batch!.data[i * 10 + j]).toBeCloseTo(value, 8);
      });
    }
  });

  test('a code shared by a batch generates its weights once', () => {
    const target = nn.mlp({ in: 3, hidden: [5], out: 2 });
    const model = hypernetwork(target, { code: 4, head: heads.dense() });
    const batched = (k: Tensor, code: Tensor, input: Tensor) =>
      vmap((x: Tensor) => model.apply(model.init(k), { code, input: x }))(input);
    const { program } = trace(batched, keySpec, { dtype: 'float32', shape: [4] }, { dtype: 'float32', shape: [64, 3] });
    const products = program.nodes.filter(({ op }) => op === 'matmul').map(({ outputs }) => outputs[0]!.shape);
    expect(products).toEqual(
      [
        [1, 15],
        [1, 5],
        [1, 10],
        [1, 2],
        [64, 5],
        [64, 2],
      ].sort((a, b) => a[0]! - b[0]!),
    );
  });

  test('a hypernetwork is a target like any other', () => {
    const inner = hypernetwork(nn.mlp({ in: 2, hidden: [3], out: 1 }), { code: 2, head: heads.dense() });
    const outer = hypernetwork(inner, { code: 4, head: heads.dense({ hidden: [5] }) });
    const [y] = run(
      (k: Tensor, upper: Tensor, lower: Tensor, x: Tensor) =>
        outer.apply(outer.init(k), { code: upper, input: { code: lower, input: x } }),
      key,
      ndarray([1, 0, -1, 2]),
      ndarray([0.5, 1]),
      ndarray([1, -1]),
    );
    expect(y!.shape).toEqual([1]);
    expect(Number.isFinite(y!.data[0])).toBe(true);
  });

  test('materialise gives weights for the plain target', () => {
    const target = nn.mlp({ in: 3, hidden: [5], out: 2 });
    const model = hypernetwork(target, {
      code: codes.learned({ size: 4 }),
      head: heads.dense(),
      generate: '**.weight',
    });
    const [a, b] = run(
      (k: Tensor, x: Tensor) => {
        const params = model.init(k);
        return [model.apply(params, { input: x }), target.apply(model.materialise(params), x)];
      },
      key,
      ndarray([1, 2, 3]),
    );
    expect([...a!.data]).toEqual([...b!.data]);
  });

  test('inspect tells generated from stored, and counts', () => {
    const model = hypernetwork(cnn(), { head: heads.layerwise({ embedding: 4 }), generate: 'conv2.weight' });
    const program = trace((k: Tensor) => model.materialise(model.init(k)), keySpec);
    const weights = tree.unflatten(program.output, evaluate(program.program, [key]));
    const report = inspect(model, weights, weights);
    expect({
      ...report,
      weights: report.weights.map(({ path, source, count }) => `${path} ${source} ${count}`),
    }).toMatchInlineSnapshot(`
      {
        "compression": 2.9557021677662583,
        "direct": 21210,
        "generated": 12544,
        "generator": 4244,
        "total": 12910,
        "warnings": [],
        "weights": [
          "conv1.weight stored 784",
          "conv1.bias stored 16",
          "conv2.weight generated 12544",
          "conv2.bias stored 16",
          "fc.weight stored 7840",
          "fc.bias stored 10",
        ],
      }
    `);
    const conv2 = report.weights.find(({ path }) => path === 'conv2.weight')!;
    expect(conv2.atInit.variance / conv2.expected!).toBeGreaterThan(0.2);
    expect(conv2.atInit.variance / conv2.expected!).toBeLessThan(5);
  });
});

describe('initialisation', () => {
  const width = 32;
  const target = nn.mlp({ in: width, hidden: new Array<number>(6).fill(width), out: width });
  /**
   * Mean square of the output of seven generated layers over that of ordinary ones: the median of 60 keys. Codes have
   * the norm that heads expect; a code of twice the norm would scale every layer, 2^14 times in all.
   */
  const ratio = async (head: unknown): Promise<number> => {
    const model = anyModel(target, head, 16);
    const measure = (k: Tensor) => {
      const [a, b, c] = random.split(k, 3) as [Tensor, Tensor, Tensor];
      const input = random.normal(c, [width]);
      const generated = model.apply(model.init(a), { code: sign(random.normal(b, [16])), input });
      return div(sum(square(generated)), sum(square(target.apply(target.init(a), input))));
    };
    const engine = ortEngine({ threads: 1, spinning: false });
    const measured = await compileFunction(engine, measure, keySpec);
    const ratios: number[] = [];
    for (let i = 0; i < 60; i++) ratios.push((await measured(ndarray(new Uint32Array([1, i]), [2]))).data[0]!);
    await engine.dispose();
    return ratios.sort((x, y) => x - y)[30]!;
  };

  test('hyperfan-in keeps activations as the target would have them, through seven layers', async () => {
    // ReLU features of a code vary in norm, so that the second head spreads more.
    for (const [head, within] of [
      [heads.dense(), 2],
      [heads.dense({ hidden: [32] }), 4],
      [heads.layerwise({ embedding: 32 }), 2],
    ] as const) {
      const r = await ratio(head);
      expect(r).toBeGreaterThan(1 / within);
      expect(r).toBeLessThan(within);
    }
  });

  test('a scale that ignores the target does not', async () => {
    expect(await ratio(heads.dense({ init: constantInit({ std: 1 }) }))).toBeGreaterThan(1e3);
  });

  test('generated biases take half of the variance when asked for', () => {
    const model = hypernetwork(target, { code: 16, head: heads.dense({ init: hyperfanIn({ biases: true }) }) });
    const out = Object.values(model.spec.head.out);
    const std = (w: nn.WeightSpec) => w.init.std!(w);
    expect(std(out[1]!.weight) ** 2 * 16).toBeCloseTo(1, 6);
  });
});

describe('errors', () => {
  test('are one line that says where', () => {
    const target = nn.mlp({ in: 3, hidden: [5], out: 2 });
    expect(() =>
      hypernetwork(target, { code: 3, head: heads.dense(), generate: [] }),
    ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: generate: expected at least one pattern, got none]`);
    expect(() => hypernetwork(target, { head: heads.dense() })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.dense: expected a code of at least 1 element, got none]`,
    );
    expect(() =>
      hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 2, head: heads.dense(), generate: 'conv.*' }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: generate: expected a pattern that matches a weight of the target (weight, bias), got "conv.*"]`,
    );
    const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 2, head: heads.dense() });
    const apply = (shape: number[]) => () =>
      trace(
        (k: Tensor, code: Tensor, input: Tensor) => model.apply(model.init(k), { code, input }),
        keySpec,
        { dtype: 'float32', shape },
        { dtype: 'float32', shape: [2] },
      );
    expect(apply([3])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.input "code": expected a code [2], got [3]]`,
    );
    const wrong = defineHead({ name: 'wrong', spec: () => ({}), apply: () => ({}) });
    const broken = hypernetwork(nn.linear({ in: 2, out: 1 }), { head: wrong });
    expect(() => broken.generate({ code: {}, head: {}, target: {} } as never)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: wrong "head": expected weight [2, 1], got none]`,
    );
  });
});
