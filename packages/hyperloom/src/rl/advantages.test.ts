import { expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { type Flat, goldenCases } from '../nn/goldens.suite.ts';
import { type DType, ndarray } from '../tensor/index.ts';
import { advantages } from './advantages.ts';
import type { Path } from './rollout.ts';

interface Case {
  readonly discount: number;
  readonly lambda: number;
  readonly path: Readonly<Record<'reward' | 'value' | 'nextValue' | 'terminated' | 'over', Flat>>;
  readonly advantages: Flat;
}
const cases = Object.entries(goldenCases<Case>('rl.json')).filter(([name]) => name.startsWith('advantages.'));

test('there are cases of paths with and without ends and cut-offs', () => {
  expect(cases).toHaveLength(12);
});

test.each(cases)('%s as PyTorch sums them', async (_, { path, advantages: expected, ...horizon }) => {
  const typed = (key: string): DType => (key === 'terminated' || key === 'over' ? 'bool' : 'float32');
  const arrays = Object.fromEntries(
    Object.entries(path).map(([key, { data }]) => [key, ndarray(data, undefined, typed(key))]),
  );
  const got = await runOnce(referenceEngine(), (own: Path) => advantages(own, horizon), arrays as never);
  expect(got.shape).toEqual(expected.shape);
  expected.data.forEach((x, i) => {
    expect(Math.abs(got.data[i]! - x)).toBeLessThan(1e-5);
  });
});
