import { add, mul, sigmoid, split, type Tensor, tanh } from '../../tensor/index.ts';
import { blockConstants } from '../init.ts';
import type { Context, Params, WeightSpec } from '../module.ts';
import { whole } from '../options.ts';
import { type Cell, defineCell, type LstmState, lstmState } from './cell.ts';
import {
  biased,
  checkRate,
  dropped,
  type GateNormSpec,
  gateBias,
  gateMatrix,
  gateNorm,
  gatesNormed,
  product,
} from './gates.ts';

/** Norms of an LSTM: of its gates [4 hidden], each gate by itself, and of its memory [hidden]. */
export type LstmNormSpec = {
  readonly gates: GateNormSpec;
  readonly cell: GateNormSpec;
};

/**
 * Weights of {@link lstmCell}: input [in, 4 hidden], hidden [hidden, 4 hidden], and a bias [4 hidden] or norms, for the
 * gates i, f, o and g in this order.
 */
export type LstmSpec = {
  readonly input: WeightSpec;
  readonly hidden: WeightSpec;
  readonly bias?: WeightSpec;
  readonly norm?: LstmNormSpec;
};

/** Options of {@link lstmCell}. */
export interface LstmOptions {
  readonly in: number;
  readonly hidden: number;
  /** Normalise the gates and the memory (Ba et al. 2016), with scales and shifts in place of the bias. */
  readonly layerNorm?: boolean;
  /** Share of the candidate's elements that are dropped in training. */
  readonly dropout?: number;
}

/** Of the gates i, f, o and g the forget gate begins open (Ha et al. 2016). */
export const forgetOpen = blockConstants([0, 1, 0, 0]);

/**
 * A long short-term memory (Hochreiter and Schmidhuber 1997), as the baselines of Ha et al. 2016 have it: for x [in],
 * h and c [hidden], the gates i, f, o and g are W_x x + W_h h + b, in this order in one product for x and one for h;
 * c' = sigma(f) * c + sigma(i) * dropout(tanh(g)) and h' = sigma(o) * tanh(c'). With `layerNorm` each gate is
 * LN(W_x x + W_h h) and the output h' = sigma(o) * tanh(LN(c')), with a scale and a shift for each norm. Only the
 * candidate tanh(g) is dropped, so that memory is not lost. Forget gates start with a bias (or shift) of 1; every
 * gate's matrices start orthogonal. The output is h'.
 * @throws ArgumentError for sizes below 1 or a rate outside [0, 1); when applied, ShapeError for another input or state
 * @example
 * const cell = nn.lstmCell({ in: 2, hidden: 3, layerNorm: true });
 * const state = { h: constant([0, 0, 0]), c: constant([0, 0, 0]) };
 * const step = cell.apply(cell.init(random.key(0)), { x: constant([1, 2]), state }); // step.y is [3]
 */
export function lstmCell({
  in: inputs,
  hidden,
  layerNorm = false,
  dropout = 0,
}: LstmOptions): Cell<LstmSpec, LstmState> {
  whole('lstmCell', 'in', inputs);
  whole('lstmCell', 'hidden', hidden);
  checkRate('lstmCell', 'dropout', dropout);
  return defineCell<LstmSpec, LstmState>({
    name: 'lstmCell',
    in: inputs,
    out: hidden,
    state: lstmState(hidden),
    spec: lstmSpec(inputs, hidden, layerNorm),
    apply: (params, { x, state }, context) => {
      const sum = add(biased(product(x, params.input), params.bias), product(state.h, params.hidden));
      return lstmStep('lstmCell', sum, state.c, params.norm, { dropout, context });
    },
  });
}

/** The weights of an LSTM. */
export const lstmSpec = (inputs: number, hidden: number, layerNorm: boolean): LstmSpec => ({
  input: gateMatrix(inputs, hidden, 4),
  hidden: gateMatrix(hidden, hidden, 4),
  ...(layerNorm ? { norm: lstmNorm(hidden) } : { bias: gateBias(inputs + hidden, hidden, 4, forgetOpen) }),
});

/** The norms of an LSTM. */
export const lstmNorm = (hidden: number): LstmNormSpec => ({
  gates: gateNorm(hidden, 4, forgetOpen),
  cell: gateNorm(hidden, 1),
});

/** What follows the products of an LSTM: gates [4 hidden] before their norms, and memory [hidden], to output and state. */
export function lstmStep(
  name: string,
  sum: Tensor,
  memory: Tensor,
  norm: Params<LstmNormSpec> | undefined,
  { dropout, context }: { readonly dropout: number; readonly context: Context | undefined },
): { readonly y: Tensor; readonly state: LstmState } {
  const size = memory.shape[0]!;
  const [opened, fresh] = split(gatesNormed(sum, size, norm?.gates), [3 * size, size]);
  const [i, f, o] = split(sigmoid(opened!), [size, size, size]);
  const candidate = dropped(name, tanh(fresh!), dropout, context);
  const c = add(mul(f!, memory), mul(i!, candidate));
  const h = mul(o!, tanh(gatesNormed(c, size, norm?.cell)));
  return { y: h, state: { h, c } };
}
