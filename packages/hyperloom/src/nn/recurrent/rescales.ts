import { add, cast, concat, constant, mul, ndarray, pad, reshape, split, type Tensor } from '../../tensor/index.ts';
import { constantInit, normal, ones, zeros } from '../init.ts';
import { type Params, type WeightSpec, weight } from '../module.ts';
import { biased, product } from './gates.ts';

/**
 * What a hypernetwork of Ha et al. 2016 makes of the small cell's output h^ [hyper]: for each of `gates` gates a code
 * of size `code` for the rows of W_h, one for those of W_x and one for the bias, and from each code [code] a number for
 * each unit [hidden].
 */
export type RescaleSpec = {
  /** h^ to the codes of the scales: codes [hyper, 2 gates code], first those of W_h, then those of W_x; start 0. */
  readonly scale: {
    readonly codes: WeightSpec;
    /** Added to the codes, [2 gates code]; starts at 1. */
    readonly bias: WeightSpec;
    /** Codes to scales, [2 gates code, hidden]: `code` rows for each gate; starts at 0.1 / code. */
    readonly rows: WeightSpec;
  };
  readonly shift: {
    /** h^ to the codes of the biases, [hyper, gates code]; start normal with a standard deviation of 0.01. */
    readonly codes: WeightSpec;
    /** Codes to biases, [gates code, hidden]; start at 0. */
    readonly rows: WeightSpec;
  };
};

/** Sizes of what {@link rescaleSpec} describes. */
export interface RescaleSizes {
  readonly hidden: number;
  readonly hyper: number;
  readonly code: number;
  readonly gates: number;
}

/** The weights of {@link rescales}. */
export const rescaleSpec = ({ hidden, hyper, code, gates }: RescaleSizes): RescaleSpec => {
  const codesOf = (count: number) => ({ shape: [hyper, count * gates * code], fanIn: hyper, fanOut: code });
  const rowsOf = (count: number) => ({ shape: [count * gates * code, hidden], fanIn: code, fanOut: hidden });
  return {
    scale: {
      codes: weight({ ...codesOf(2), init: zeros }),
      bias: weight({ shape: [2 * gates * code], fanIn: hyper, fanOut: code, role: 'bias', init: ones }),
      rows: weight({ ...rowsOf(2), init: constantInit(0.1 / code) }),
    },
    shift: {
      codes: weight({ ...codesOf(1), init: normal({ std: 0.01 }) }),
      rows: weight({ ...rowsOf(1), init: zeros }),
    },
  };
};

/** Numbers for each unit of each gate, [gates * hidden]: d_h and d_x scale the rows of W_h and W_x, b is added. */
export type Rescales = {
  readonly hidden: Tensor;
  readonly input: Tensor;
  readonly shift: Tensor;
};

/**
 * d_h, d_x and b of Ha et al. 2016 for an output h^ of the small cell. All codes are one product, and so are the rows of
 * all gates, by a matrix that holds each gate's on its diagonal. What is joined here does not depend on h^, so a scan
 * joins it once.
 */
export function rescales({ scale, shift }: Params<RescaleSpec>, h: Tensor, { code, gates }: RescaleSizes): Rescales {
  const size = gates * code;
  const sizes = [size, size, size];
  const codes = add(product(h, concat([scale.codes, shift.codes], 1)), pad(scale.bias, [[0, size]]));
  const [ofHidden, ofInput, ofShift] = split(codes, sizes);
  const [rowsOfHidden, rowsOfInput] = split(scale.rows, [size, size]);
  return {
    hidden: product(ofHidden!, diagonal(rowsOfHidden!, gates)),
    input: product(ofInput!, diagonal(rowsOfInput!, gates)),
    shift: product(ofShift!, diagonal(shift.rows, gates)),
  };
}

/** Rows [gates * code, hidden] to [gates * code, gates * hidden]: each gate's in the columns of the gate, 0 elsewhere. */
function diagonal(rows: Tensor, gates: number): Tensor {
  if (gates === 1) return rows;
  const [total, hidden] = rows.shape as [number, number];
  const own = Float32Array.from({ length: gates * gates }, (_, i) => (i % (gates + 1) === 0 ? 1 : 0));
  const mask = cast(constant(ndarray(own, [gates, 1, gates, 1])), rows.dtype);
  return reshape(mul(reshape(rows, [gates, total / gates, 1, hidden]), mask), [total, gates * hidden]);
}

/** d_h * (W_h h) + d_x * (W_x x) + b + b_0, of the two products. */
export const rescaled = (scales: Rescales, fromHidden: Tensor, fromInput: Tensor, bias: Tensor): Tensor =>
  add(add(mul(scales.hidden, fromHidden), mul(scales.input, fromInput)), add(scales.shift, bias));

/** [h; x] times a matrix [hidden + in, n], plus a bias if any. What is of x alone does not wait for h. */
export function parted(matrix: Tensor, h: Tensor, x: Tensor, bias: Tensor | undefined): Tensor {
  const [ofHidden, ofInput] = split(matrix, [h.shape[0]!, x.shape[0]!]);
  return add(biased(product(x, ofInput!), bias), product(h, ofHidden!));
}
