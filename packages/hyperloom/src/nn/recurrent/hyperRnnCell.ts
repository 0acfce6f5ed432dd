import { add, type Tensor, tanh } from '../../tensor/index.ts';
import type { Params, WeightSpec } from '../module.ts';
import { whole } from '../options.ts';
import { type Cell, defineCell, type HiddenState, hiddenState } from './cell.ts';
import { type GateNormSpec, gateBias, gateMatrix, gateNorm, gatesNormed, product } from './gates.ts';
import { parted, type RescaleSpec, type Rescales, rescaled, rescaleSpec, rescales } from './rescales.ts';
import { type RnnSpec, rnnSpec } from './rnnCell.ts';

/** The state of a HyperRNN: h [hidden] of the large cell, and that of the small cell, [hyper]. */
export type HyperRnnState = HiddenState & {
  readonly hyper: HiddenState;
};

/**
 * Weights of {@link hyperRnnCell}: of the large cell, input [in, hidden], hidden [hidden, hidden], bias [hidden] and a
 * norm if any; of the small cell `hyper`, whose input is [hidden + in]; and `rescale`, from its output to scales.
 */
export type HyperRnnSpec = {
  readonly input: WeightSpec;
  readonly hidden: WeightSpec;
  readonly bias: WeightSpec;
  readonly norm?: GateNormSpec;
  readonly hyper: RnnSpec;
  readonly rescale: RescaleSpec;
};

/** Options of {@link hyperRnnCell}. */
export interface HyperRnnOptions {
  readonly in: number;
  readonly hidden: number;
  /** Units of the small cell. */
  readonly hyper: number;
  /** Elements of a code: N_z. */
  readonly code: number;
  /** Normalise what enters the activations of both cells. */
  readonly layerNorm?: boolean;
  /** Make codes of the small cell's output at this step (default), or at the step before. */
  readonly current?: boolean;
}

/** A cell that scales the rows of its matrices at every step, and shows by what. */
export interface RescalingCell<S extends { readonly rescale: RescaleSpec }, State> extends Cell<S, State> {
  /** What an output h^ [hyper] of the small cell makes of the large one's rows, each [gates * hidden]. */
  rescales(params: Params<S>, h: Tensor): Rescales;
}

/**
 * The HyperRNN of Ha et al. 2016 (section 3.2, its memory-efficient form): a small RNN reads [h; x] and scales the rows
 * of a large one at every step. With h^' = tanh(U_h h^ + U_x [h; x] + u), the codes are z_h = A_h h^' + a_h,
 * z_x = A_x h^' + a_x and z_b = A_b h^', and h' = tanh(d_h * (W_h h) + d_x * (W_x x) + b) with d_h = D_h z_h,
 * d_x = D_x z_x and b = D_b z_b + b_0. x is [in], h [hidden], h^ [hyper], codes [code]. The output is h'.
 *
 * The paper's equations make codes of h^, the authors' code of h^': the latter is the default, and `current: false`
 * gives the former. Scales start at 0.1 whatever the input (Cooijmans et al. 2016).
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for another input or state
 * @example
 * const cell = nn.hyperRnnCell({ in: 2, hidden: 4, hyper: 3, code: 2 });
 * const state = { h: constant([0, 0, 0, 0]), hyper: { h: constant([0, 0, 0]) } };
 * const { y } = cell.apply(cell.init(random.key(0)), { x: constant([1, 2]), state }); // [4]
 */
export function hyperRnnCell({
  in: inputs,
  hidden,
  hyper,
  code,
  layerNorm = false,
  current = true,
}: HyperRnnOptions): RescalingCell<HyperRnnSpec, HyperRnnState> {
  for (const [name, value] of Object.entries({ in: inputs, hidden, hyper, code })) whole('hyperRnnCell', name, value);
  const sizes = { hidden, hyper, code, gates: 1 };
  const cell = defineCell<HyperRnnSpec, HyperRnnState>({
    name: 'hyperRnnCell',
    in: inputs,
    out: hidden,
    state: { ...hiddenState(hidden), hyper: hiddenState(hyper) },
    spec: {
      input: gateMatrix(inputs, hidden, 1),
      hidden: gateMatrix(hidden, hidden, 1),
      bias: gateBias(inputs + hidden, hidden, 1),
      ...(layerNorm && { norm: gateNorm(hidden, 1) }),
      hyper: rnnSpec(hidden + inputs, hyper, layerNorm),
      rescale: rescaleSpec(sizes),
    },
    apply: (params, { x, state }) => {
      const own = params.hyper;
      const read = add(parted(own.input, state.h, x, own.bias), product(state.hyper.h, own.hidden));
      const inner = tanh(gatesNormed(read, hyper, own.norm));
      const scales = rescales(params.rescale, current ? inner : state.hyper.h, sizes);
      const sum = rescaled(scales, product(state.h, params.hidden), product(x, params.input), params.bias);
      const h = tanh(gatesNormed(sum, hidden, params.norm));
      return { y: h, state: { h, hyper: { h: inner } } };
    },
  });
  return { ...cell, rescales: ({ rescale }, h) => rescales(rescale as Params<RescaleSpec>, h, sizes) };
}
