import { add, tanh } from '../../tensor/index.ts';
import type { WeightSpec } from '../module.ts';
import { whole } from '../options.ts';
import { type Cell, defineCell, type HiddenState, hiddenState } from './cell.ts';
import { biased, type GateNormSpec, gateBias, gateMatrix, gateNorm, gatesNormed, product } from './gates.ts';

/** Weights of {@link rnnCell}: input [in, hidden], hidden [hidden, hidden], bias [hidden] or a norm. */
export type RnnSpec = {
  readonly input: WeightSpec;
  readonly hidden: WeightSpec;
  readonly bias?: WeightSpec;
  readonly norm?: GateNormSpec;
};

/** Options of {@link rnnCell}. */
export interface RnnOptions {
  readonly in: number;
  readonly hidden: number;
  /** Normalise what enters the activation (Ba et al. 2016), with a scale and a shift in place of the bias. */
  readonly layerNorm?: boolean;
}

/**
 * An Elman cell (Elman 1990): h' = tanh(W_x x + W_h h + b), where x is [in] and h [hidden], or with `layerNorm`
 * h' = tanh(LN(W_x x + W_h h)). The output is h'.
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for another input or state
 * @example
 * const cell = nn.rnnCell({ in: 2, hidden: 3 });
 * const state = { h: constant([0, 0, 0]) };
 * const { y } = cell.apply(cell.init(random.key(0)), { x: constant([1, 2]), state }); // [3]
 */
export function rnnCell({ in: inputs, hidden, layerNorm = false }: RnnOptions): Cell<RnnSpec, HiddenState> {
  whole('rnnCell', 'in', inputs);
  whole('rnnCell', 'hidden', hidden);
  return defineCell<RnnSpec, HiddenState>({
    name: 'rnnCell',
    in: inputs,
    out: hidden,
    state: hiddenState(hidden),
    spec: rnnSpec(inputs, hidden, layerNorm),
    apply: (params, { x, state }) => {
      const sum = add(biased(product(x, params.input), params.bias), product(state.h, params.hidden));
      const h = tanh(gatesNormed(sum, hidden, params.norm));
      return { y: h, state: { h } };
    },
  });
}

/** The weights of an Elman cell. */
export const rnnSpec = (inputs: number, hidden: number, layerNorm: boolean): RnnSpec => ({
  input: gateMatrix(inputs, hidden, 1),
  hidden: gateMatrix(hidden, hidden, 1),
  ...(layerNorm ? { norm: gateNorm(hidden, 1) } : { bias: gateBias(inputs + hidden, hidden, 1) }),
});
