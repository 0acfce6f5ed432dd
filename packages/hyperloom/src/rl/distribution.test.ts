import { describe, expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { type Flat, goldenCases } from '../nn/goldens.suite.ts';
import { type NdArray, ndarray, random, type Tensor, vmap } from '../tensor/index.ts';
import { distributionOf } from './distribution.ts';
import type { ActionSpec } from './environment.ts';

interface Case {
  readonly action: ActionSpec;
  readonly policy: Flat;
  readonly taken: Flat;
  readonly logProb: Flat;
  readonly entropy: Flat;
}
const cases = goldenCases<Case>('rl.json');
const engine = referenceEngine();
const f32 = ({ shape, data }: Flat): NdArray => ndarray(Float32Array.from(data), shape);
const i32 = ({ shape, data }: Flat): NdArray => ndarray(Int32Array.from(data), shape);

describe.each(['categorical', 'normal'])('%s', (name) => {
  const { action, policy, taken, ...expected } = cases[name]!;
  const distribution = distributionOf(action);
  const actions = action.kind === 'discrete' ? i32(taken) : f32(taken);

  test('probabilities and entropies are those of PyTorch', async () => {
    const measure = (own: Tensor, done: Tensor) => ({
      logProb: vmap(distribution.logProb)(own, done),
      entropy: vmap(distribution.entropy)(own),
    });
    const got = await runOnce(engine, measure, f32(policy), actions);
    for (const key of ['logProb', 'entropy'] as const) {
      expect(got[key].shape).toEqual(expected[key].shape);
      expected[key].data.forEach((x, i) => {
        expect(Math.abs(got[key].data[i]! - x), `${key} ${i}`).toBeLessThan(1e-5 * (1 + Math.abs(x)));
      });
    }
  });

  test('what is drawn is distributed by the policy: the mean of -log p is the entropy, to four standard errors', async () => {
    const count = 4000;
    const draw = (own: Tensor, key: Tensor) =>
      vmap((noise: Tensor) => distribution.logProb(own, distribution.sample(own, noise)))(
        distribution.noise(key, [count]),
      );
    const row = policy.data.slice(0, distribution.size);
    const found = await runOnce(engine, draw, ndarray(row), random.keyArray(1));
    const data = Array.from(found.data);
    const mean = -data.reduce((a, b) => a + b, 0) / count;
    const spread = Math.sqrt(data.reduce((a, b) => a + (b + mean) ** 2, 0) / count);
    expect(Math.abs(mean - expected.entropy.data[0]!)).toBeLessThan((4 * spread) / Math.sqrt(count));
  });

  test('a policy misses an action by the cross-entropy, or by the square of the distance of its likeliest one', async () => {
    const got = await runOnce(engine, vmap(distribution.miss) as never, f32(policy), actions);
    const { size } = distribution;
    const far = (row: number) =>
      [0, 1].reduce((sum, i) => sum + (policy.data[size * row + i]! - taken.data[2 * row + i]!) ** 2, 0) / 2;
    expected.logProb.data.forEach((x, row) => {
      expect((got as NdArray).data[row]).toBeCloseTo(action.kind === 'discrete' ? -x : far(row), 4);
    });
  });

  test('no action is likelier than the mode', async () => {
    const measure = (own: Tensor, done: Tensor) => ({
      best: vmap((p: Tensor) => distribution.logProb(p, distribution.mode(p)))(own),
      other: vmap(distribution.logProb)(own, done),
    });
    const { best, other } = await runOnce(engine, measure, f32(policy), actions);
    best.data.forEach((x, i) => {
      expect(x).toBeGreaterThanOrEqual(other.data[i]!);
    });
  });
});
