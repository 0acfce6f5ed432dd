import { expect, test } from 'vitest';
import * as nn from '../../nn/index.ts';
import { tree } from '../../tensor/index.ts';
import { mainWeight, structureOf } from './structure.ts';

const block = (width: number) => nn.residual(nn.mlp({ in: width, hidden: [width], out: width }));
const flat = (module: { readonly spec: unknown }) => tree.flatten<nn.WeightSpec>(module.spec);

test('layers follow one another, and a container joins its first to its last when there is one between', () => {
  const wide = nn.residual(
    nn.sequential({ a: nn.linear({ in: 4, out: 4 }), n: nn.layerNorm({ shape: 4 }), b: nn.linear({ in: 4, out: 4 }) }),
  );
  const target = flat(nn.sequential({ in: nn.linear({ in: 2, out: 4 }), wide, last: nn.linear({ in: 4, out: 1 }) }));
  expect(structureOf(target)).toEqual({
    layers: [
      ['in.weight', 'in.bias'],
      ['wide.body.a.weight', 'wide.body.a.bias'],
      ['wide.body.n.scale', 'wide.body.n.shift'],
      ['wide.body.b.weight', 'wide.body.b.bias'],
      ['last.weight', 'last.bias'],
    ],
    edges: [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [1, 3],
    ],
  });
});

test('blocks of two layers are a chain, and weights without a layer are one', () => {
  expect(structureOf(flat(nn.sequential({ a: block(3), b: block(3) }))).edges).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  expect(structureOf(flat(nn.linear({ in: 2, out: 1 })))).toEqual({ layers: [['weight', 'bias']], edges: [] });
});

test('the largest weight stands for its layer', () => {
  const target = flat(nn.linear({ in: 2, out: 1 }));
  expect(mainWeight(target, ['bias', 'weight'])).toBe(target.weight);
});
