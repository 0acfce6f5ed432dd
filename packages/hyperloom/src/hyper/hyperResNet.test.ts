import { expect, test } from 'vitest';
import { type AnyModule, countParams, type WeightSpec } from '../nn/index.ts';
import { tree } from '../tensor/index.ts';
import { hyperResNet } from './index.ts';

/** In millions, with the three decimals of the paper's table. */
const millions = (spec: unknown): string => (countParams(spec) / 1e6).toFixed(3);

test.each([
  { width: 1, ordinary: '0.563', hyper: '0.097', embeddings: 242, counts: [562_778, 96_618] },
  { width: 2, ordinary: '2.236', hyper: '0.148', embeddings: 966, counts: [2_235_546, 147_626] },
])('wide residual network 40-$width has the parameters of Ha et al. 2016, table 2', (published) => {
  const model = hyperResNet({ depth: 40, width: published.width, in: 3, classes: 10 });
  expect(millions(model.target.spec)).toBe(published.ordinary);
  expect(millions(model.spec)).toBe(published.hyper);
  expect([countParams(model.target.spec), countParams(model.spec)]).toEqual(published.counts);
  // One generator for all 36 kernels; those of 3x3 alone are generated.
  expect(Object.keys(model.generated)).toHaveLength(36);
  const generators = Object.values(model.spec.head);
  expect(generators).toHaveLength(1);
  expect(generators[0]!.z.shape).toEqual([published.embeddings, 64]);
  for (const { shape } of Object.values(model.generated)) expect(shape.slice(2)).toEqual([3, 3]);
});

test('counting draws no weight', () => {
  // Every leaf is a spec: nothing is a tensor, whose numbers would have been made.
  const model = hyperResNet({ depth: 40, width: 10, in: 3, classes: 10 });
  const leaves = tree.leaves<WeightSpec>((model as unknown as AnyModule).spec);
  for (const leaf of leaves) expect(Object.keys(leaf)).toContain('fanIn');
  expect(countParams(model.target.spec)).toBeGreaterThan(55e6);
});
