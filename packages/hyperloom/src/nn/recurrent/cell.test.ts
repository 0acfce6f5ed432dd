import { expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import { add, cast, constant, type Tensor, trace, where, zerosArray } from '../../tensor/index.ts';
import * as nn from '../index.ts';

test('a state may hold whole numbers and bits, which start at zeros of their own types', () => {
  type State = { readonly count: Tensor; readonly seen: Tensor };
  const counting = nn.defineCell({
    name: 'counting',
    in: 1,
    out: 1,
    spec: {},
    state: { count: { dtype: 'int32', shape: [1] }, seen: { dtype: 'bool', shape: [1] } },
    apply: (_, { x, state: { count, seen } }: nn.CellInput<State>) => ({
      y: where(seen, cast(count, x.dtype), -1),
      state: { count: add(count, 2), seen: constant([1], 'bool') },
    }),
  });
  const net = nn.recurrent({ in: 1, cell: () => counting });
  const { program } = trace((x: Tensor) => net.unroll({ layer0: {} }, { x }), zerosArray('float32', [4, 1]));
  const [y, count, seen] = evaluate(program, [zerosArray('float32', [4, 1])]);
  expect([...y!.data]).toEqual([-1, 2, 4, 6]);
  expect([count!.dtype, ...count!.data]).toEqual(['int32', 8]);
  expect([seen!.dtype, ...seen!.data]).toEqual(['bool', 1]);
});
