import { expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import { constant, random, type Tensor, trace, zerosArray } from '../../tensor/index.ts';
import * as nn from '../index.ts';

const numbers = (f: () => unknown): number[] =>
  evaluate(trace(f as () => Tensor).program, []).flatMap(({ data }) => [...data]);

test('fans of matrices that lie side by side are those of one gate', () => {
  const { spec } = nn.lstmCell({ in: 5, hidden: 7 });
  const fans = ({ shape, fanIn, fanOut }: nn.WeightSpec) => ({ shape, fanIn, fanOut });
  expect(fans(spec.input)).toEqual({ shape: [5, 28], fanIn: 5, fanOut: 7 });
  expect(fans(spec.hidden)).toEqual({ shape: [7, 28], fanIn: 7, fanOut: 7 });
});

test('a forget gate is opened once: by its bias, or by the shift of its norm', () => {
  const biasOf = (layerNorm: boolean) =>
    numbers(() => nn.hyperLstmCell({ in: 2, hidden: 1, hyper: 2, code: 1, layerNorm }).init(random.key(0)).bias);
  expect(biasOf(false)).toEqual([0, 1, 0, 0]);
  expect(biasOf(true)).toEqual([0, 0, 0, 0]);
});

test('codes of biases start with a standard deviation of 0.01', () => {
  const { spec } = nn.hyperLstmCell({ in: 2, hidden: 2, hyper: 64, code: 16 });
  const drawn = numbers(() => spec.rescale.shift.codes.init(random.key(0), spec.rescale.shift.codes));
  expect(Math.sqrt(drawn.reduce((n, value) => n + value * value, 0) / drawn.length)).toBeCloseTo(0.01, 3);
});

test('between layers is not behind the last', () => {
  const x = constant(zerosArray('float32', [3, 2]));
  const context = { training: true, key: random.key(1) };
  const of = (layers: number, layerDropout: number) => {
    const net = nn.rnn({ in: 2, hidden: 4, layers, layerDropout });
    const params = net.init(random.key(0));
    return numbers(() => net.unroll(params, { x, state: stateOf(layers) }, context).y);
  };
  const stateOf = (layers: number) =>
    Object.fromEntries(
      Array.from({ length: layers }, (_, i) => [`layer${i}`, { h: constant([0.5, -0.25, 0.125, 1]) }]),
    ) as never;
  expect(of(1, 0.5)).toEqual(of(1, 0));
  expect(of(2, 0.5)).not.toEqual(of(2, 0));
});
