import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import {
  constant,
  grad,
  mean,
  mul,
  type NdArray,
  random,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  trace,
  tree,
  vmap,
} from '../../tensor/index.ts';
import { type AnyConditioner, heads, hypernetwork } from '../index.ts';
import * as codes from './index.ts';

interface Sample {
  readonly code: AnyConditioner;
  /** A source drawn from a key: unit normal numbers, or whatever the code is declared for. */
  readonly source: (key: Tensor) => unknown;
}

const nothing = () => undefined;
const normal = (shape: readonly number[]) => (key: Tensor) => random.normal(key, shape);
const position = (count: number) => (key: Tensor) =>
  random.categorical(key, constant(new Array<number>(count).fill(0)));
const points =
  (n: number, p = 1) =>
  (key: Tensor) => {
    const [a, b] = random.split(key) as [Tensor, Tensor];
    return { points: random.normal(a, [n, 2]), ...(p < 1 && { mask: random.bernoulli(b, p, [n]) }) };
  };
const record = (parts: Readonly<Record<string, (key: Tensor) => unknown>>) => (key: Tensor) =>
  Object.fromEntries(
    Object.entries(parts).map(([name, draw]) => [name, draw(random.foldIn(key, nn.pathHash(name)))] as const),
  );

/** At least one sample for every code; the compiler names any that is missing. */
const table: Record<keyof typeof codes, readonly Sample[]> = {
  concat: [
    {
      code: codes.concat({
        user: codes.embeddings({ count: 4, size: 3 }),
        self: codes.learned({ size: 2 }),
        nothing: codes.none(),
        time: codes.mip({ size: 2 }),
      }),
      source: record({ user: position(4), time: (key) => random.uniform(key, [2]) }),
    },
    {
      code: codes.concat({ pair: codes.concat({ a: codes.input({ size: 2 }), b: codes.input({ size: 1 }) }) }),
      source: record({ pair: record({ a: normal([2]), b: normal([1]) }) }),
    },
  ],
  embeddings: [
    { code: codes.embeddings({ count: 5, size: 4 }), source: position(5) },
    { code: codes.embeddings({ names: ['a', 'b'], size: 8, std: 0.3 }), source: position(2) },
  ],
  encoder: [
    { code: codes.encoder(nn.mlp({ in: 3, hidden: [32], out: 6 }), { size: 6 }), source: normal([3]) },
    {
      code: codes.encoder(
        nn.sequential([nn.conv2d({ in: 1, out: 4, kernel: 3 }), nn.relu, nn.globalAvgPool, nn.dropout()]),
        { size: 4, normalize: true, secondMoment: 3 },
      ),
      source: normal([1, 6, 6]),
    },
    {
      // A hypernetwork is a module, so it can make the code of another.
      code: codes.encoder(hypernetwork(nn.linear({ in: 3, out: 16 }), { code: 4, head: heads.dense() }), { size: 16 }),
      source: record({ code: normal([4]), input: normal([3]) }),
    },
  ],
  fourier: [
    { code: codes.fourier({ size: 2, frequencies: 5, scale: 3 }), source: normal([2]) },
    { code: codes.fourier({ size: 2, frequencies: 4, spacing: 'log' }), source: normal([2]) },
  ],
  input: [{ code: codes.input({ size: 3 }), source: normal([3]) }],
  learned: [{ code: codes.learned({ size: 3, std: 2 }), source: nothing }],
  mip: [{ code: codes.mip({ size: 3 }), source: (key) => random.uniform(key, [3]) }],
  none: [{ code: codes.none(), source: nothing }],
  product: [
    {
      code: codes.product({
        user: codes.embeddings({ count: 4, size: 6, std: 2 }),
        self: codes.learned({ size: 6 }),
        time: codes.mip({ size: 3 }),
      }),
      source: record({ user: position(4), time: (key) => random.uniform(key, [3]) }),
    },
  ],
  setEncoder: [
    { code: codes.setEncoder({ in: 2, hidden: [48, 48], size: 8 }), source: points(1) },
    { code: codes.setEncoder({ in: 2, hidden: [48], size: 8, after: [32] }), source: points(30) },
    { code: codes.setEncoder({ in: 2, hidden: [48, 48], size: 8 }), source: points(6, 0.5) },
    { code: codes.setEncoder({ in: 2, hidden: [48], size: 8, pool: 'sum', count: 10 }), source: points(20, 0.5) },
    {
      code: codes.setEncoder({ in: 2, hidden: [48, 48, 48], size: 8, pointMoment: 9 }),
      source: (key) => ({ points: mul(random.normal(key, [5, 2]), 3) }),
    },
  ],
};

const keys = (count: number) => stack(random.split(random.key(7), count));
const run = (f: () => unknown): NdArray[] => evaluate(trace(f).program, []);
const numbers = (arrays: readonly NdArray[]) => arrays.map(({ data }) => [...data]);

const samples = Object.entries(table).flatMap(([name, list]) =>
  list.map((sample, i) => ({ name: `${name} ${i}`, sample })),
);

test('every file that holds a code is exported', async () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter((file) => /^\w+\.ts$/.test(file));
  const found: string[] = [];
  for (const file of files) {
    const name = file.slice(0, -3);
    const exported: object = await import(new URL(file, import.meta.url).href);
    if (name in exported) found.push(name);
  }
  expect(found.sort()).toEqual(Object.keys(codes).sort());
});

describe.each(samples)('$name', ({ sample: { code, source } }) => {
  const context = { training: true, key: random.key(5) };
  const specs = tree.flatten<nn.WeightSpec>(code.spec);
  const trained = Object.keys(specs).filter((path) => specs[path]!.trained);
  const init = (key: Tensor) => nn.initTree(code.spec, key);
  const apply = (params: unknown, from: unknown) => code.apply(params as never, from as never, context);
  const draws = random.split(random.key(3), 3);

  test('gives a code of the declared size, in every row of a batch the one of a loop', () => {
    const one = trace(() => apply(init(random.key(0)), source(random.key(1)))).output as unknown as NdArray;
    expect(one.shape).toEqual([code.size]);
    const bySource = run(() => vmap((key: Tensor) => apply(init(random.key(0)), source(key)))(stack(draws)))[0]!;
    const byWeights = run(() => vmap((key: Tensor) => apply(init(key), source(random.key(1))))(stack(draws)))[0]!;
    draws.forEach((key, b) => {
      const row = ({ data }: NdArray) => [...data.slice(b * code.size, (b + 1) * code.size)];
      const [from] = numbers(run(() => apply(init(random.key(0)), source(key))));
      const [own] = numbers(run(() => apply(init(key), source(random.key(1)))));
      for (let i = 0; i < code.size; i++) {
        expect(row(bySource)[i]).toBeCloseTo(from![i]!, 9);
        expect(row(byWeights)[i]).toBeCloseTo(own![i]!, 9);
      }
    });
  });

  test.runIf(code.size > 0)('has the second moment that it declares, within a factor of 2', () => {
    const measured = run(() => {
      const each = (key: Tensor) => {
        const [a, b] = random.split(key) as [Tensor, Tensor];
        return mean(square(apply(init(a), source(b))));
      };
      return mean(vmap(each)(keys(150)));
    })[0]!.data[0]!;
    expect(measured / code.secondMoment).toBeGreaterThan(0.5);
    expect(measured / code.secondMoment).toBeLessThan(2);
  });

  test.runIf(Object.keys(specs).length > 0)('gradients reach the weights that train, each and only those', () => {
    const loss = (params: unknown) =>
      sum(vmap((key: Tensor) => sum(square(sub(apply(params, source(key)), 0.3))))(keys(8)));
    const gradients = run(() => grad(loss)(init(random.key(0))));
    const alive = Object.keys(specs).filter((_, i) => gradients[i]!.data.some((g) => Math.abs(g) > 1e-9));
    expect(alive).toEqual(trained);
  });

  test.runIf(code.size > 0)('conditions a hypernetwork, and moves its output', () => {
    const model = hypernetwork(nn.mlp({ in: 2, hidden: [4], out: 3, activation: nn.tanh }), {
      code: code as never,
      head: heads.dense(),
    });
    const output = (key: Tensor) => {
      const input = { code: source(key), input: constant([1, -2]) };
      return model.apply(model.init(random.key(0)) as never, input as never);
    };
    const [a, b] = numbers(run(() => [output(random.key(1)), output(random.key(6))]));
    expect(a!.length).toBe(3);
    expect([...a!, ...b!].every(Number.isFinite)).toBe(true);
    if (source !== nothing) expect(a).not.toEqual(b);
  });
});
