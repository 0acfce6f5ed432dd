import { add, type Tensor } from '../../tensor/index.ts';
import { zeros } from '../init.ts';
import type { Params, WeightSpec } from '../module.ts';
import { whole } from '../options.ts';
import { defineCell, type LstmState, lstmState } from './cell.ts';
import { checkRate, gateBias, gateMatrix, product } from './gates.ts';
import type { RescalingCell } from './hyperRnnCell.ts';
import { forgetOpen, type LstmNormSpec, type LstmSpec, lstmNorm, lstmSpec, lstmStep } from './lstmCell.ts';
import { parted, type RescaleSpec, rescaled, rescaleSpec, rescales } from './rescales.ts';

/** The state of a HyperLSTM: h and c [hidden] of the large cell, and those of the small cell, [hyper]. */
export type HyperLstmState = LstmState & {
  readonly hyper: LstmState;
};

/**
 * Weights of {@link hyperLstmCell}: of the large cell, input [in, 4 hidden], hidden [hidden, 4 hidden], bias [4 hidden]
 * and norms if any, for the gates i, f, o and g in this order; of the small cell `hyper`, whose input is [hidden + in];
 * and `rescale`, from its output to scales.
 */
export type HyperLstmSpec = {
  readonly input: WeightSpec;
  readonly hidden: WeightSpec;
  readonly bias: WeightSpec;
  readonly norm?: LstmNormSpec;
  readonly hyper: LstmSpec;
  readonly rescale: RescaleSpec;
};

/** Options of {@link hyperLstmCell}. */
export interface HyperLstmOptions {
  readonly in: number;
  readonly hidden: number;
  /** Units of the small cell. */
  readonly hyper: number;
  /** Elements of a code: N_z. */
  readonly code: number;
  /** Normalise gates and memory of both cells (Ba et al. 2016). */
  readonly layerNorm?: boolean;
  /** Share of the large cell's candidate that is dropped in training. */
  readonly dropout?: number;
  /** Make codes of the small cell's output at this step (default), or at the step before (Ha et al. 2016, eq. 11). */
  readonly current?: boolean;
}

/**
 * The HyperLSTM of Ha et al. 2016 (section 3.2 and eq. 9 to 13): a small LSTM reads [h; x] and scales the rows of a
 * large one at every step. For each gate y of i, f, o and g there are codes z_h = A_h h^' + a_h, z_x = A_x h^' + a_x and
 * z_b = A_b h^' of the small cell's output h^', and the gate is LN(d_h * (W_h h) + d_x * (W_x x) + b) with
 * d_h = D_h z_h, d_x = D_x z_x, b = D_b z_b + b_0; then c' = sigma(f) * c + sigma(i) * dropout(tanh(g)) and
 * h' = sigma(o) * tanh(LN(c')). x is [in], h and c [hidden], h^ [hyper], codes [code]; without `layerNorm` LN is left
 * out. The output is h'.
 *
 * The paper's equation 11 makes codes of h^, the authors' code of h^': the latter is the default, and
 * `current: false` gives the former. Scales start at 0.1 whatever the input (Cooijmans et al. 2016), forget gates with
 * a bias (with norms: a shift) of 1, and every gate's matrices orthogonal. With norms the small cell has no bias, as in
 * the authors' code.
 * @throws ArgumentError for sizes below 1 or a rate outside [0, 1); when applied, ShapeError for another input or state
 * @example
 * const cell = nn.hyperLstmCell({ in: 2, hidden: 4, hyper: 3, code: 2, layerNorm: true });
 * const zero = (size: number) => ({ h: broadcastTo(constant(0), [size]), c: broadcastTo(constant(0), [size]) });
 * const params = cell.init(random.key(0));
 * const step = cell.apply(params, { x: constant([1, 2]), state: { ...zero(4), hyper: zero(3) } }); // step.y is [4]
 * const scales = cell.rescales(params, step.state.hyper.h); // scales.hidden is [16]
 */
export function hyperLstmCell({
  in: inputs,
  hidden,
  hyper,
  code,
  layerNorm = false,
  dropout = 0,
  current = true,
}: HyperLstmOptions): RescalingCell<HyperLstmSpec, HyperLstmState> {
  const name = 'hyperLstmCell';
  for (const [option, value] of Object.entries({ in: inputs, hidden, hyper, code })) whole(name, option, value);
  checkRate(name, 'dropout', dropout);
  const sizes = { hidden, hyper, code, gates: 4 };
  const cell = defineCell<HyperLstmSpec, HyperLstmState>({
    name,
    in: inputs,
    out: hidden,
    state: { ...lstmState(hidden), hyper: lstmState(hyper) },
    spec: {
      input: gateMatrix(inputs, hidden, 4),
      hidden: gateMatrix(hidden, hidden, 4),
      // With norms the forget gate opens by its shift, since a norm would undo a bias before it.
      bias: gateBias(inputs + hidden, hidden, 4, layerNorm ? zeros : forgetOpen),
      ...(layerNorm && { norm: lstmNorm(hidden) }),
      hyper: lstmSpec(hidden + inputs, hyper, layerNorm),
      rescale: rescaleSpec(sizes),
    },
    apply: (params, { x, state }, context) => {
      const own = params.hyper;
      const read = add(parted(own.input, state.h, x, own.bias), product(state.hyper.h, own.hidden));
      const small = lstmStep(name, read, state.hyper.c, own.norm, { dropout: 0, context });
      const scales = rescales(params.rescale, current ? small.y : state.hyper.h, sizes);
      const sum = rescaled(scales, product(state.h, params.hidden), product(x, params.input), params.bias);
      const { y, state: large } = lstmStep(name, sum, state.c, params.norm, { dropout, context });
      return { y, state: { ...large, hyper: small.state } };
    },
  });
  return { ...cell, rescales: ({ rescale }, h: Tensor) => rescales(rescale as Params<RescaleSpec>, h, sizes) };
}
