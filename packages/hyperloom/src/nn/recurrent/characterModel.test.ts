import { expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import {
  constant,
  ndarray,
  random,
  type Shape,
  stack,
  type Tensor,
  trace,
  tree,
  zerosArray,
} from '../../tensor/index.ts';
import * as nn from '../index.ts';

const numbers = (f: () => unknown): number[] =>
  evaluate(trace(f as () => Tensor).program, []).flatMap(({ data }) => [...data]);
const text = [2, 0, 1, 1, 3];
const x = constant(ndarray(Int32Array.from(text), [5]));

test.each([
  ['one-hot', nn.characterModel({ symbols: 4, core: nn.hyperLstm({ in: 4, hidden: 5, hyper: 3, code: 2 }) })],
  ['embedded', nn.characterModel({ symbols: 4, embedding: 3, core: nn.lstm({ in: 3, hidden: 5, layers: 2 }) })],
] as [string, unknown][])('%s: one symbol at a time, the logits and the state are those of the text', (_, made) => {
  const model = made as nn.CharacterModel<unknown, never>;
  const params = model.init(random.key(0));
  const whole = numbers(() => model.apply(params, { x }));
  const single = numbers(() => {
    let state = tree.map(({ shape }: { readonly shape: Shape }) => constant(zerosArray('float32', shape)), model.state);
    const logits = text.map((symbol) => {
      const after = model.step(params, { x: constant(symbol, 'int32'), state: state as never });
      state = after.state as never;
      return after.y;
    });
    return { y: stack(logits), state };
  });
  expect(single.length).toBe(whole.length);
  single.forEach((value, i) => {
    expect(value).toBeCloseTo(whole[i]!, 6);
  });
});

test('what does not fit is named', () => {
  const core = nn.rnn({ in: 4, hidden: 2 });
  const model = nn.characterModel({ symbols: 4, core });
  const params = model.init(random.key(0));
  expect(() => nn.characterModel({ symbols: 5, core })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: characterModel: expected a core that reads 5 numbers, got 4]`,
  );
  expect(() => nn.characterModel({ symbols: 5, embedding: 3, core })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: characterModel: expected a core that reads 3 numbers, got 4]`,
  );
  const both = nn.rnn({ in: 4, hidden: 2, bidirectional: true });
  expect(() => nn.characterModel({ symbols: 4, core: both })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: characterModel: expected a core that reads forwards, got both ways]`,
  );
  expect(() => model.apply(params, { x: constant([1, 2]) })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: characterModel: expected symbols int32 [T], got float32 [2]]`,
  );
  expect(() => model.apply(params, { x: constant(2, 'int32') })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: characterModel: expected symbols int32 [T], got []]`,
  );
  const state = { layer0: { h: constant([0, 0, 0]) } };
  expect(() => model.apply(params, { x, state })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: rnn "core": expected state layer0.h [2], got [3]]`,
  );
});
