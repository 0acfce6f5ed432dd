import { add, mul, sigmoid, split, sub, tanh } from '../../tensor/index.ts';
import type { WeightSpec } from '../module.ts';
import { whole } from '../options.ts';
import { type Cell, defineCell, type HiddenState, hiddenState } from './cell.ts';
import { checkRate, dropped, gateBias, gateMatrix, gateScale, normalised, product } from './gates.ts';

/**
 * Weights of {@link gruCell}: input [in, 3 hidden], hidden [hidden, 3 hidden] and bias [3 hidden], for the gates r, z
 * and n in this order; candidateBias [hidden]; scales [3 hidden] of both products if they are normalised.
 */
export type GruSpec = {
  readonly input: WeightSpec;
  readonly hidden: WeightSpec;
  readonly bias: WeightSpec;
  readonly candidateBias: WeightSpec;
  readonly norm?: { readonly input: WeightSpec; readonly hidden: WeightSpec };
};

/** Options of {@link gruCell}. */
export interface GruOptions {
  readonly in: number;
  readonly hidden: number;
  /** Normalise both products, each gate by itself (Ba et al. 2016). */
  readonly layerNorm?: boolean;
  /** Share of the candidate's elements that are dropped in training. */
  readonly dropout?: number;
}

/**
 * A gated recurrent unit (Cho et al. 2014, with the reset gate behind the product, as in PyTorch): for x [in] and h
 * [hidden], r = sigma(W_r x + U_r h + b_r), z likewise, n = tanh(W_n x + b_n + r * (U_n h + c)),
 * h' = (1 - z) * n + z * h. The gates r, z and n lie in this order in one product for x and one for h. The output is h'.
 * With `dropout` the candidate n is dropped (Semeniuta et al. 2016), so that memory is not lost.
 * @throws ArgumentError for sizes below 1 or a rate outside [0, 1); when applied, ShapeError for another input or state
 * @example
 * const cell = nn.gruCell({ in: 2, hidden: 3 });
 * const state = { h: constant([0, 0, 0]) };
 * const { y } = cell.apply(cell.init(random.key(0)), { x: constant([1, 2]), state }); // [3]
 */
export function gruCell({
  in: inputs,
  hidden,
  layerNorm = false,
  dropout = 0,
}: GruOptions): Cell<GruSpec, HiddenState> {
  whole('gruCell', 'in', inputs);
  whole('gruCell', 'hidden', hidden);
  checkRate('gruCell', 'dropout', dropout);
  const gates = 3;
  return defineCell<GruSpec, HiddenState>({
    name: 'gruCell',
    in: inputs,
    out: hidden,
    state: hiddenState(hidden),
    spec: {
      input: gateMatrix(inputs, hidden, gates),
      hidden: gateMatrix(hidden, hidden, gates),
      bias: gateBias(inputs + hidden, hidden, 3),
      candidateBias: gateBias(inputs + hidden, hidden, 1),
      ...(layerNorm && { norm: { input: gateScale(hidden, gates), hidden: gateScale(hidden, gates) } }),
    },
    apply: ({ input, hidden: matrix, bias, candidateBias, norm }, { x, state: { h } }, context) => {
      const [fromX, fromH] = [product(x, input), product(h, matrix)];
      const ofX = add(norm ? mul(normalised(fromX, hidden), norm.input) : fromX, bias);
      const ofH = norm ? mul(normalised(fromH, hidden), norm.hidden) : fromH;
      const [gatesX, candidateX] = split(ofX, [2 * hidden, hidden]);
      const [gatesH, candidateH] = split(ofH, [2 * hidden, hidden]);
      const [r, z] = split(sigmoid(add(gatesX!, gatesH!)), [hidden, hidden]);
      const fresh = tanh(add(candidateX!, mul(r!, add(candidateH!, candidateBias))));
      const n = dropped('gruCell', fresh, dropout, context);
      const next = add(n, mul(z!, sub(h, n)));
      return { y: next, state: { h: next } };
    },
  });
}
