import { ArgumentError, type Aval, tree, zerosArray } from '../tensor/index.ts';
import { sameTypes, showTypes } from './types.ts';

/**
 * A state that each row of a batch hands on to the same row of the next: a recurrent model reads a long sequence window
 * by window. It starts at zeros. No gradient flows from one step into the one before (truncated back-propagation
 * through time, Williams and Peng 1990), and where a row begins anew is for `write` to see from the input.
 * @example
 * type Input = { readonly x: Tensor; readonly fresh: Tensor };
 * const carry: Carry = {
 *   state: { dtype: 'float32', shape: [1] },
 *   write: ({ x, fresh }: Input, state: Tensor) => concat([x, where(fresh, 0, state)]),
 *   read: (output: Tensor) => split(output, [1, 1])[1],
 * };
 */
export interface Carry {
  /** Types and shapes of the state of one example, a tree; arrays serve too. */
  readonly state: unknown;
  /** What the model takes, of one example's input and the state before it. */
  write(input: never, state: never): unknown;
  /** The next state, of one example's output. */
  read(output: never): unknown;
}

/** Nothing is carried: an empty tree. */
export const noCarry: Carry = { state: {}, write: (input) => input, read: () => ({}) };

/**
 * The state of each row before the first step.
 * @throws ArgumentError for a state that is no tree of types and shapes
 */
export function zeroStates({ state }: Carry, rows: number): unknown {
  for (const [path, type] of Object.entries(tree.flatten<Partial<Aval> | undefined>(state)))
    if (type?.dtype === undefined || !Array.isArray(type.shape))
      throw new ArgumentError(
        `carry: expected dtype and shape for ${path === '' ? 'the state' : `state.${path}`}, got ${typeof type}`,
      );
  return tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, [rows, ...shape]), state);
}

/**
 * The state that one example's output leaves, in the order of the state's tree.
 * @throws ArgumentError when it is of another form than what is carried
 */
export function stateAfter(carry: Carry, output: unknown): unknown {
  const next = carry.read(output as never);
  if (!sameTypes(carry.state, next))
    throw new ArgumentError(
      `carry: expected read to give the state (${showTypes(carry.state)}), got ${showTypes(next)}`,
    );
  return tree.map((_: Aval, own) => own, carry.state, next);
}
