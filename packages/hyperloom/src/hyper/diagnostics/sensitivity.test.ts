import { expect, test } from 'vitest';
import { runOnce } from '../../engine/index.ts';
import { referenceEngine } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import {
  mul,
  type NdArray,
  ndarray,
  random,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  trace,
} from '../../tensor/index.ts';
import { defineHead, type Head, heads, hypernetwork, mapTarget, probeSensitivity, readSensitivity } from '../index.ts';

const key = ndarray([0, 3], [2], 'uint32');
const target = nn.mlp({ in: 2, hidden: [6], out: 1 });
const count = 12;
const wave = (columns: number, seed: number): NdArray =>
  ndarray(
    Float32Array.from({ length: count * columns }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed)),
    [count, columns],
  );

/** A dense head that sees the code times a factor. */
const dulled = (factor: number): Head => {
  const dense = heads.dense({ hidden: [8] });
  return defineHead({ ...dense, apply: (params, code, spec) => dense.apply(params, mul(code, factor), spec) }) as never;
};

const losses = (y: Tensor, t: Tensor) => sum(square(sub(y, t)));

const probe = async (head: Head, codes: NdArray, targets?: NdArray) => {
  const model = hypernetwork(target as nn.Module, { code: 3, head });
  const measured = await runOnce(
    referenceEngine(),
    (k: Tensor, c: Tensor, x: Tensor, t: Tensor) =>
      probeSensitivity(model, model.init(k), { codes: c, inputs: x, targets: t }, targets && losses),
    key,
    codes,
    wave(2, 2),
    targets ?? wave(1, 3),
  );
  return readSensitivity(measured);
};

test('a code that is multiplied by zero moves nothing, and is warned of', async () => {
  const { weights, outputs, warnings } = await probe(dulled(0), wave(3, 1));
  expect(weights.map(({ share, still }) => [share, still])).toEqual(weights.map(() => [0, 1]));
  expect(outputs).toBe(0);
  expect(warnings).toEqual(['The code does not matter: it moves no generated weight.']);
});

test('a code that matters moves weights and outputs, without a warning', async () => {
  const { weights, outputs, warnings } = await probe(dulled(1), wave(3, 1));
  for (const { path, share, still } of weights.filter(({ path }) => path.endsWith('weight'))) {
    expect(share, path).toBeGreaterThan(0.1);
    expect(share, path).toBeLessThanOrEqual(1);
    expect(still, path).toBe(0);
  }
  expect(outputs).toBeGreaterThan(0.3);
  expect(warnings).toEqual([]);
});

test('a code that hardly matters is warned of too', async () => {
  const stored = heads.dense();
  const nearly: Head = defineHead({
    ...stored,
    apply: (params: never, code: Tensor, spec) => {
      const [fixed, own] = [stored.apply(params, mul(code, 0), spec), stored.apply(params, code, spec)];
      const ordinary = mapTarget(spec, (w) => w.init(random.key(5), w));
      return mapTarget(spec, (_, path) => sub(ordinary[path]!, mul(sub(fixed[path]!, own[path]!), 1e-4)));
    },
  }) as never;
  const { outputs, warnings } = await probe(nearly, wave(3, 1));
  expect(outputs).toBeGreaterThan(0);
  expect(outputs).toBeLessThan(0.01);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^The code does not matter: the code of another example moves an output by 0\.0\d+ %/);
});

test('a code that moves outputs and not the loss does not help', async () => {
  // Targets so far away that no code is better than another.
  const far = ndarray(new Float32Array(count).fill(1e6), [count, 1]);
  const { warnings, loss } = await probe(dulled(1), wave(3, 1), far);
  expect(loss!.shuffled / loss!.own).toBeCloseTo(1, 4);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^The code does not help/);
});

test('figures are those of a network that is its code', async () => {
  const line = nn.linear({ in: 1, out: 1, bias: false });
  const head: Head = defineHead({
    name: 'copy',
    spec: () => ({}),
    apply: (_: never, code: Tensor) => ({ weight: reshape(code, [1, 1]) }),
  }) as never;
  const model = hypernetwork(line as nn.Module, { code: 1, head });
  const measured = await runOnce(
    referenceEngine(),
    (c: Tensor, x: Tensor) =>
      probeSensitivity(model, model.init(random.key(0)), { codes: c, inputs: x, targets: c }, losses),
    ndarray([[0], [1], [2], [3]]),
    ndarray([[1], [1], [1], [1]]),
  );
  // Moved on by one place and by two, the codes differ by squares of 3 and 4 on average.
  const { weights, outputs, loss } = readSensitivity(measured);
  expect(weights).toEqual([{ path: 'weight', share: 1.25 / 3.5, still: 0 }]);
  expect(outputs).toBeCloseTo(Math.sqrt(3.5 / 2.5), 12);
  expect(loss).toEqual({ own: 0, shuffled: 3.5 });
});

test('one example cannot be shuffled', () => {
  const model = hypernetwork(target as nn.Module, { code: 3, head: dulled(1) });
  expect(() =>
    trace(
      (c: Tensor, x: Tensor) => probeSensitivity(model, model.init(random.key(0)), { codes: c, inputs: x }),
      { dtype: 'float32', shape: [1, 3] },
      { dtype: 'float32', shape: [1, 2] },
    ),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: sensitivity: expected at least 2 examples with codes, got 1]`);
});
