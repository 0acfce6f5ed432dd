import { describe, expect, test } from 'vitest';
import { compileFunction } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import {
  concat,
  div,
  type NdArray,
  ndarray,
  random,
  reshape,
  sign,
  square,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
} from '../../tensor/index.ts';
import { codes, hypernetwork, moments, type TargetSpec } from '../index.ts';
import { chunked } from './chunked.ts';

const key = ndarray(new Uint32Array([0, 7]), [2]);
const run = (f: (...args: never[]) => unknown, ...args: NdArray[]): NdArray[] =>
  evaluate(trace(f, ...args.map(({ dtype, shape }) => ({ dtype, shape }))).program, args);

const mlp = nn.mlp({ in: 3, hidden: [5], out: 2 });

describe('chunked', () => {
  test('Split-MNIST of von Oswald et al.: 465,672 parameters for 478,410 weights', () => {
    const target = nn.mlp({ in: 784, hidden: [400, 400], out: 10 });
    const code = codes.embeddings({ count: 5, size: 96 });
    const head = chunked({ chunk: 42_000, embedding: 96, hidden: [10, 10] });
    const model = hypernetwork(target, { code, head });
    expect(nn.countParams(target.spec)).toBe(478_410);
    expect(nn.countParams(model.spec)).toBe(465_672);
    // What it is made of: five task embeddings, twelve chunk embeddings, two layers of ten, one chunk with its bias.
    expect(5 * 96 + 12 * 96 + (192 * 10 + 10) + (10 * 10 + 10) + (10 * 42_000 + 42_000)).toBe(465_672);
  });

  test('without hidden layers a weight is its sign times its std times (code A + embedding B + bias)', () => {
    const head = chunked({ chunk: 4, embedding: 2, hidden: [] });
    const target: TargetSpec = {
      a: nn.weight({ shape: [2, 3], init: nn.init.normal({ std: 2 }) }),
      b: nn.weight({ shape: [3, 1], init: nn.init.normal({ std: 0.5 }) }),
    };
    const spec = head.spec(target, { size: 1, secondMoment: 1 });
    expect(spec.embeddings.shape).toEqual([3, 2]); // 9 weights, 4 at a time
    const given = {
      embeddings: ndarray([
        [1, 0],
        [0, 1],
        [1, 1],
      ]),
      hidden: [],
      out: {
        weight: ndarray([
          [1, 2, 3, 4],
          [10, 20, 30, 40],
          [100, 200, 300, 400],
        ]),
        bias: ndarray([0.1, 0.2, 0.3, 0.4]),
      },
    };
    const [a, b] = run(
      (e: Tensor, w: Tensor, c: Tensor, code: Tensor) =>
        head.apply({ embeddings: e, hidden: [], out: { weight: w, bias: c } } as never, code, target),
      given.embeddings,
      given.out.weight,
      given.out.bias,
      ndarray([2]),
    );
    const rows = [12, 102, 112].flatMap((r) => [1, 2, 3, 4].map((p) => r * p + p / 10));
    const sizes = [...a!.data].map(Math.abs).concat([...b!.data].map(Math.abs));
    rows.slice(0, 9).forEach((value, i) => {
      expect(sizes[i]).toBeCloseTo(value * (i < 6 ? 2 : 0.5), 3);
    });
  });

  test('each weight has its own variance, whatever chunk it is in, and constants are near where they start', () => {
    const target = nn.sequential({
      conv: nn.conv2d({ in: 8, out: 16, kernel: 3 }),
      norm: nn.groupNorm({ channels: 16, groups: 4 }),
      flatten: nn.flatten,
      fc: nn.linear({ in: 64, out: 40 }),
    });
    const model = hypernetwork(target, { code: 4, head: chunked({ chunk: 500, embedding: 8 }) });
    const names = Object.keys(model.generated);
    const made = run((k: Tensor, c: Tensor) => model.generate(model.init(k), c), key, ndarray([1, -1, 1, 1]));
    names.forEach((name, i) => {
      const w = model.generated[name]!;
      const std = w.init.std!(w);
      const got = moments(made[i]!);
      if (std > 0) {
        expect(got.variance / std ** 2, name).toBeGreaterThan(0.7);
        expect(got.variance / std ** 2, name).toBeLessThan(1.4);
      } else {
        const factor = Math.min(0.1, 1 / Math.sqrt(w.fanIn));
        expect(Math.abs(got.mean - (w.role === 'scale' ? 1 : 0)), name).toBeLessThan(factor);
        expect(got.variance, name).toBeGreaterThan(0);
        expect(got.variance, name).toBeLessThan(4 * factor ** 2);
      }
    });
  });

  test('a target that starts at constants starts there exactly, and learns', () => {
    const head = chunked({ chunk: 4, embedding: 3 });
    const target: TargetSpec = Object.fromEntries(
      Object.entries(tree.flatten<nn.WeightSpec>(mlp.spec)).map(([path, w]) => [path, { ...w, init: nn.init.zeros }]),
    );
    const spec = head.spec(target, { size: 2, secondMoment: 1 });
    const loss = (params: never, code: Tensor) =>
      sum(concat(Object.values(head.apply(params, code, target)).map((w) => reshape(w, [-1]))));
    const [value, ...gradients] = run(
      (k: Tensor, code: Tensor) => valueAndGrad(loss)(nn.initTree(spec, k) as never, code),
      key,
      ndarray([1, -1]),
    );
    expect(value!.data[0]).toBe(0);
    const learning = tree.paths(spec).filter((_, i) => gradients[i]!.data.some((g) => g !== 0));
    expect(learning).toEqual(['out.weight', 'out.bias']);
  });

  test('any size of chunk, with a code or none', () => {
    for (const chunk of [1, 2, 7, 32, 1000]) {
      for (const size of [0, 3]) {
        for (const hidden of [[], [4]]) {
          const head = chunked({ chunk, embedding: 2, hidden, activation: nn.sigmoid });
          const target = tree.flatten<nn.WeightSpec>(mlp.spec);
          const spec = head.spec(target, { size, secondMoment: 1 });
          expect(spec.embeddings.shape[0]).toBe(Math.ceil(32 / chunk));
          const { output } = trace(
            (k: Tensor, code: Tensor) => head.apply(nn.initTree(spec, k), code, target),
            { dtype: 'uint32', shape: [2] },
            { dtype: 'float32', shape: [size] },
          );
          expect(Object.keys(output)).toEqual(Object.keys(target));
        }
      }
    }
  });

  test('activations through eight ReLU layers are as with the ordinary init, chunks shorter than a layer included', async () => {
    const width = 32;
    const target = nn.mlp({ in: width, hidden: new Array<number>(7).fill(width), out: width });
    const engine = ortEngine({ threads: 1, spinning: false });
    for (const chunk of [32, 1000]) {
      const model = hypernetwork(target, { code: 16, head: chunked({ chunk, embedding: 16, hidden: [32] }) });
      const measure = (k: Tensor) => {
        const [a, b, c] = random.split(k, 3) as [Tensor, Tensor, Tensor];
        const code = sign(random.normal(b, [16]));
        const weights = model.materialise(model.init(a), code);
        const ordinary = target.init(a);
        const outputs = (params: nn.ParamsOf<typeof target>) =>
          sum(square(vmap((x: Tensor) => target.apply(params, x))(random.normal(c, [16, width]))));
        return div(outputs(weights), outputs(ordinary));
      };
      const measured = await compileFunction(engine, measure, { dtype: 'uint32', shape: [2] });
      const ratios: number[] = [];
      for (let i = 0; i < 60; i++) ratios.push((await measured(ndarray(new Uint32Array([1, i]), [2]))).data[0]!);
      const median = ratios.sort((x, y) => x - y)[30]!;
      expect(median, `chunks of ${chunk}`).toBeGreaterThan(0.5);
      expect(median, `chunks of ${chunk}`).toBeLessThan(2);
    }
    await engine.dispose();
  });

  test('errors are one line that says where', () => {
    expect(() => chunked({ chunk: 0, embedding: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.chunked: expected chunk of at least 1, got 0]`,
    );
    expect(() => chunked({ chunk: 8, embedding: 2, hidden: [3, 0.5] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.chunked: expected hidden of at least 1, got 0.5]`,
    );
    expect(() => chunked({ chunk: 8, embedding: 2, std: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.chunked: expected a positive std, got 0]`,
    );
  });
});
