import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runOnce } from '../../engine/index.ts';
import { referenceEngine } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import {
  concat,
  constant,
  grad,
  iota,
  log,
  log1p,
  mul,
  type NdArray,
  ndarray,
  neg,
  random,
  reshape,
  sigmoid,
  sizeOf,
  sub,
  sum,
  type Tensor,
  tree,
  vmap,
} from '../../tensor/index.ts';
import { type GateForm, logistic, type StochasticGate, stochasticGates } from '../generator/stochasticGates.ts';
import { heads, hypernetwork, type Weights } from '../index.ts';
import { keyArray } from '../zoo.suite.ts';

const engine = referenceEngine();
/** Runs a function of arrays once; its result as arrays. */
const run = (f: unknown, ...args: unknown[]): Promise<unknown> => runOnce(engine, f as never, ...(args as never[]));
const list = (array: NdArray | undefined): number[] => Array.from(array!.data);

interface Seen {
  readonly value: NdArray;
  readonly gradient: NdArray;
}
interface Case {
  readonly options: {
    readonly kind: StochasticGate;
    readonly temperature: number;
    readonly stretch?: [number, number];
  };
  readonly logits: NdArray;
  readonly uniform: NdArray;
  readonly sampled: Seen;
  readonly certain: Seen;
  readonly open: Seen;
}
const golden: { readonly cases: Readonly<Record<string, Case>> } = JSON.parse(
  readFileSync(new URL('../../../goldens/gates.json', import.meta.url), 'utf8'),
);
const array = ({ shape, data }: NdArray): NdArray => ndarray(Float32Array.from(data), shape);

test.each(Object.entries(golden.cases))('%s is as in PyTorch', async (_, { options, logits, uniform, ...wanted }) => {
  const form: GateForm = { stretch: [-0.1, 1.1], ...options };
  const kind = stochasticGates[options.kind];
  const u = constant(array(uniform));
  const functions: Readonly<Record<'sampled' | 'certain' | 'open', (x: Tensor) => Tensor>> = {
    sampled: (x) => kind.value(x, sub(log(u), log1p(neg(u))), form),
    certain: (x) => kind.value(x, undefined, form),
    open: (x) => sigmoid(sub(x, -kind.shift(form))),
  };
  for (const [name, f] of Object.entries(functions)) {
    const scored = (x: Tensor) => sum(mul(f(x), constant([1, 2, 3, 4, 5, 6, 7, 8])));
    const [value, gradient] = (await run((x: Tensor) => [f(x), grad(scored)(x)], array(logits))) as [NdArray, NdArray];
    const { value: v, gradient: g } = wanted[name as 'open'];
    list(value).forEach((x, i) => {
      expect(x, `${name}[${i}]`).toBeCloseTo(v.data[i]!, 5);
    });
    list(gradient).forEach((x, i) => {
      expect(x, `gradient of ${name}[${i}]`).toBeCloseTo(g.data[i]!, 5);
    });
  }
});

test('logistic noise is finite for every uniform number', async () => {
  const noise = (await run(logistic, ndarray([0, 2 ** -24, 0.5, 1 - 2 ** -24]))) as NdArray;
  expect(list(noise).map((x) => Math.round(x * 100) / 100)).toEqual([-17.33, -16.64, 0, 16.64]);
});

/** Gates of every shape. */
const target = nn.sequential({
  conv: nn.kernelGate(nn.conv2d({ in: 2, out: 3, kernel: 1 })),
  channels: nn.gate({ channels: 3 }),
  layer: nn.gate(),
});
const shapes = { 'conv.gate': [3, 2], 'channels.gate': [3], 'layer.gate': [] };

/** What a head gives for a code, and what it tells of it. */
interface Told {
  readonly gates: Weights;
  readonly open: Readonly<Record<string, Tensor>>;
}

/** A head of which each logit is slope * code + bias, for a code of one number. */
function gated(options: heads.GatesOptions, { slope, bias }: { readonly slope: number; readonly bias: number }) {
  const head = heads.gates(options);
  const { generated } = hypernetwork(target, { code: 1, generate: '**.gate', head });
  const spec = head.spec(generated, { size: 1, secondMoment: 1 });
  const params = tree.mapWithPath(
    ({ shape }: nn.WeightSpec, path) =>
      ndarray(new Float32Array(sizeOf(shape)).fill(path.endsWith('weight') ? slope : bias), shape),
    spec,
  );
  const tell = (own: unknown, code: Tensor, context: { readonly training: boolean; readonly key?: Tensor }): Told => {
    const open: Record<string, Tensor> = {};
    const expect = (path: string, probability: Tensor) => {
      open[path] = probability;
    };
    return { gates: head.apply(own as never, code, generated, { ...context, expect }), open };
  };
  return { params, tell };
}

type Arrays = { readonly [part in keyof Told]: Readonly<Record<string, NdArray>> };

const average = (values: readonly number[]): number => values.reduce((n, x) => n + x, 0) / values.length;

describe.each(['hardConcrete', 'gumbel'] as const)('%s', (kind) => {
  test('each gate is open as often as is told, and drawn on its own', async () => {
    const count = 4000;
    const { params, tell } = gated({ kind }, { slope: 1, bias: -1.1 });
    const draws = (own: unknown, key: Tensor) =>
      vmap((row: Tensor) => tell(own, constant([0.4]), { training: true, key: random.foldIn(key, row) }))(iota(count));
    const { gates, open } = (await run(draws, params, keyArray(5))) as Arrays;
    for (const [path, shape] of Object.entries(shapes)) {
      expect([gates[path]!.shape, open[path]!.shape]).toEqual([
        [count, ...shape],
        [count, ...shape],
      ]);
      const size = sizeOf(shape);
      const drawn = Array.from({ length: size }, (_, i) => list(gates[path]).filter((_, at) => at % size === i));
      const told = open[path]!.data[0]!;
      // Logit -0.7: sigmoid(-0.7 + 2/3 log 11) and sigmoid(-0.7).
      expect(told).toBeCloseTo(kind === 'hardConcrete' ? 0.71066 : 0.33181, 4);
      const rates = drawn.map((own) => average(own.map((x) => (x > 0 ? 1 : 0))));
      // Four deviations of a rate of 4000 draws are 0.03.
      for (const rate of rates) expect(Math.abs(rate - told)).toBeLessThan(0.03);
      for (const x of list(gates[path]))
        expect(x >= 0 && x <= 1 && (kind !== 'gumbel' || x === 0 || x === 1)).toBe(true);
      if (size > 1) {
        const both = average(drawn[0]!.map((x, i) => (x > 0 && drawn[1]![i]! > 0 ? 1 : 0)));
        expect(Math.abs(both - told ** 2)).toBeLessThan(0.03);
      }
    }
  });

  test('without training, or a key, gates are those of the code alone', async () => {
    const { params, tell } = gated({ kind }, { slope: 1, bias: -1.1 });
    const cases = { open: 4, shut: -4 };
    for (const [name, code] of Object.entries(cases)) {
      const f = (own: unknown, key: Tensor) => [
        tell(own, constant([code]), { training: false, key }),
        tell(own, constant([code]), { training: true }),
      ];
      const [evaluated, keyless] = (await run(f, params, keyArray(5))) as [Arrays, Arrays];
      expect(evaluated.gates).toEqual(keyless.gates);
      for (const path of Object.keys(shapes)) {
        const wanted = name === 'open' ? 1 : 0;
        for (const x of list(evaluated.gates[path])) expect(x).toBeCloseTo(wanted, 5);
        for (const x of list(evaluated.open[path])) expect(x).toBe(wanted);
        // Likely, not certain, while training.
        for (const x of list(keyless.open[path])) expect(Math.abs(x - wanted)).toBeGreaterThan(1e-4);
      }
    }
  });

  test('what is told has a gradient to the code where the gates themselves have none', async () => {
    const { params, tell } = gated({ kind, temperature: 0.05 }, { slope: 1, bias: 0 });
    const key = keyArray(3);
    const total = (weights: Readonly<Record<string, Tensor>>) =>
      sum(concat(Object.values(weights).map((w) => reshape(w, [-1]))));
    const gradientOf = (part: keyof Told, code: number) => (own: unknown, drawn: Tensor) =>
      grad((c: Tensor) => total(tell(own, c, { training: true, key: drawn })[part]))(constant([code]));
    for (const code of [3, -3]) {
      const [gates, open] = (await run(
        (own: unknown, drawn: Tensor) => [gradientOf('gates', code)(own, drawn), gradientOf('open', code)(own, drawn)],
        params,
        key,
      )) as [NdArray, NdArray];
      expect(Math.abs(list(gates)[0]!)).toBeLessThan(1e-3);
      // Ten gates, each sigmoid'(3) or more exactly that of the shifted logit.
      const shift = kind === 'hardConcrete' ? 0.05 * Math.log(11) : 0;
      const p = 1 / (1 + Math.exp(-(code + shift)));
      expect(list(open)[0]).toBeCloseTo(10 * p * (1 - p), 4);
    }
  });

  test.each([
    [0.3, 0.5],
    [0.98, 0.5],
    [0.9, 2],
  ])('starts open with a probability of %f, and logits spread by %f with the code', async (open, spread) => {
    const model = hypernetwork(target, {
      code: 4,
      generate: '**.gate',
      head: heads.gates({ kind, open, spread, hidden: [8] }),
    });
    const told = (key: Tensor) => {
      const params = model.init(key);
      const seen: Tensor[] = [];
      model.settings.head.apply(params.head as never, random.normal(key, [4]), model.generated, {
        training: true,
        expect: (_, own) => seen.push(reshape(own, [-1])),
      });
      return concat(seen);
    };
    const all = (await run(
      (key: Tensor) => vmap((row: Tensor) => told(random.foldIn(key, row)))(iota(200)),
      keyArray(1),
    )) as NdArray;
    const logits = list(all).map((p) => Math.log(p / (1 - p)));
    const mean = average(logits);
    expect(Math.abs(mean - Math.log(open / (1 - open)))).toBeLessThan(0.2 * spread);
    expect(Math.abs(Math.sqrt(average(logits.map((x) => (x - mean) ** 2))) / spread - 1)).toBeLessThan(0.1);
  });
});

test('first logits spread alike whatever the size of codes', () => {
  const head = heads.gates({ spread: 0.3 });
  const { generated } = hypernetwork(target, { code: 4, generate: '**.gate', head });
  const spec = head.spec(generated, { size: 4, secondMoment: 9 });
  for (const { weight } of Object.values(spec.out)) expect(weight.init.std!(weight)).toBeCloseTo(0.3 / (2 * 3), 12);
});

test('a target with other weights generates its gates beside them', async () => {
  const head = heads.compose({ '**.gate': heads.gates({ kind: 'gumbel' }), '**': heads.dense() });
  const model = hypernetwork(target, { code: 2, head });
  const told: string[] = [];
  const f = (key: Tensor) =>
    model.apply(
      model.init(key),
      { code: constant([1, -1]), input: constant(ndarray(new Float32Array(8).fill(1), [2, 2, 2])) },
      { training: true, key, expect: (path) => told.push(path) },
    );
  const { shape } = (await run(f, keyArray(1))) as NdArray;
  expect(shape).toEqual([3, 2, 2]);
  expect(told).toEqual(Object.keys(shapes));
});

test('a kernel gate shuts the way from one channel to another', async () => {
  const layer = nn.kernelGate(nn.conv2d({ in: 2, out: 2, kernel: 1 }));
  const weights = (gate: readonly number[]) => ({
    conv: { weight: ndarray([2, 3, 5, 7].map((x) => [[[x]]]) as never, [2, 2, 1, 1]), bias: ndarray([0, 1]) },
    gate: ndarray([gate.slice(0, 2), gate.slice(2)]),
  });
  const output = async (gate: readonly number[]) =>
    list((await run((p: never, x: Tensor) => layer.apply(p, x), weights(gate), ndarray([[[1]], [[10]]]))) as NdArray);
  expect(await output([1, 1, 1, 1])).toEqual([32, 76]);
  expect(await output([1, 0, 0.5, 1])).toEqual([2, 73.5]);
});

test('errors say what was expected', () => {
  expect(() => heads.gates({ kind: 'soft' as never })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected a kind of hardConcrete or gumbel, got soft]`,
  );
  expect(() => heads.gates({ open: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected open to be a probability between 0 and 1, got 1]`,
  );
  expect(() => heads.gates({ spread: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected a spread of at least 0, got -1]`,
  );
  expect(() => heads.gates({ temperature: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected a positive temperature, got 0]`,
  );
  expect(() => heads.gates({ stretch: [0, 1.1] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected a stretch from below 0 to above 1, got [0, 1.1]]`,
  );
  expect(() => heads.gates({ hidden: [0] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected hidden widths of at least 1, got [0]]`,
  );
  expect(() => hypernetwork(target, { code: 1, head: heads.gates() })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected weights of the role gate, got conv.conv.weight (kernel)]`,
  );
  expect(() => hypernetwork(target, { generate: '**.gate', head: heads.gates() })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.gates: expected a code of at least 1 element, got none]`,
  );
  expect(() => nn.kernelGate(nn.linear({ in: 2, out: 3 }) as never)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: kernelGate: expected a convolution, got linear]`,
  );
});
