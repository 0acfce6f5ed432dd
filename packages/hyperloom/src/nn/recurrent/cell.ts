import {
  type Aval,
  broadcastTo,
  constant,
  type DType,
  isFloat,
  type Shape,
  ShapeError,
  sameShape,
  showShape,
  type Tensor,
  tree,
} from '../../tensor/index.ts';
import { type Context, defineModule, type Module, type Params } from '../module.ts';

/** What a cell reads at one step: x [in], and the state that the step before it left. */
export interface CellInput<State> {
  readonly x: Tensor;
  readonly state: State;
}

/** What a cell gives at one step: y [out], and the state for the next step. */
export interface CellOutput<State> {
  readonly y: Tensor;
  readonly state: State;
}

/** Type and shape of every tensor of a state, for one example. */
export type StateTypes<State> = tree.Mapped<State, Tensor, Aval>;

/**
 * One step of a recurrent network: a module from an input [in] and a state to an output [out] and the next state. The
 * state is a tree of tensors and starts at zeros.
 */
export interface Cell<S, State> extends Module<S, CellInput<State>, CellOutput<State>> {
  readonly in: number;
  readonly out: number;
  readonly state: StateTypes<State>;
}

/** The state of cells that keep nothing but their output: h [hidden]. */
export type HiddenState = {
  readonly h: Tensor;
};

/** The state of an LSTM: output h and memory c, both [hidden]. */
export type LstmState = HiddenState & {
  readonly c: Tensor;
};

/** What {@link defineCell} needs. */
export interface CellDefinition<S, State> {
  readonly name: string;
  readonly in: number;
  readonly out: number;
  readonly spec: S;
  readonly state: StateTypes<State>;
  apply(params: Params<S>, input: CellInput<State>, context?: Context): CellOutput<State>;
}

/**
 * Makes a cell from a spec, the types of its state and a pure function of one step. Applying it checks the shapes of
 * weights, input and state first.
 * @throws ArgumentError or ShapeError when applied to weights, an input or a state of another form
 * @example
 * const leaky = nn.defineCell({
 *   name: 'leaky',
 *   in: 3,
 *   out: 3,
 *   spec: { rate: nn.weight({ shape: [], role: 'scale', init: nn.init.constantInit(0.9) }) },
 *   state: { h: { dtype: 'float32', shape: [3] } },
 *   apply: ({ rate }, { x, state }: nn.CellInput<nn.HiddenState>) => {
 *     const h = add(mul(state.h, rate), x);
 *     return { y: h, state: { h } };
 *   },
 * });
 */
export function defineCell<const S, State>(definition: CellDefinition<S, State>): Cell<S, State> {
  const { name, spec, apply, state, in: inputs, out } = definition;
  const module = defineModule<S, CellInput<State>, CellOutput<State>>({
    name,
    spec,
    apply: (params, input, context) => {
      expectPart(name, 'x', [inputs], input.x);
      checkState(name, state, input.state);
      return apply(params, input, context);
    },
  });
  return { ...module, in: inputs, out, state };
}

/** Raises unless a part of a cell's input has the shape that it should. */
export function expectPart(name: string, part: string, shape: Shape, got: Aval | undefined): void {
  if (got !== undefined && sameShape(shape, got.shape)) return;
  const said = got === undefined ? 'none' : showShape(got.shape);
  throw new ShapeError(`${name}: expected ${part} ${showShape(shape)}, got ${said}`);
}

/** Raises unless every tensor of a state is there and has the shape of its type. */
export function checkState(name: string, types: unknown, state: unknown): void {
  const found = tree.flatten<Tensor>(state);
  for (const [path, { shape }] of Object.entries(tree.flatten<Aval>(types)))
    expectPart(name, `state ${path}`, shape, found[path]);
}

/** The state before the first step: zeros, whose floats are of the type of the numbers that the cell reads. */
export const startState = <State>(types: StateTypes<State>, read: DType): State =>
  tree.map(
    ({ dtype, shape }: Aval) => broadcastTo(constant(0, isFloat(dtype) ? read : dtype), shape),
    types,
  ) as unknown as State;

/** The types of {@link HiddenState}. */
export const hiddenState = (hidden: number): StateTypes<HiddenState> => ({ h: { dtype: 'float32', shape: [hidden] } });

/** The types of {@link LstmState}. */
export const lstmState = (hidden: number): StateTypes<LstmState> => ({
  h: { dtype: 'float32', shape: [hidden] },
  c: { dtype: 'float32', shape: [hidden] },
});
