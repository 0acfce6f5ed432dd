import { countParams, type Initializer, init, pathHash, type WeightSpec, weight } from '../../nn/index.ts';
import { mean, mul, random, rsqrt, sizeOf, square, type Tensor } from '../../tensor/index.ts';
import type { TargetSpec } from '../head.ts';
import type { HeadInit } from '../init.ts';

/** Whether a weight starts at a constant: a bias at 0, a scale at 1, everything of a delta at 0. */
export const isConstant = (w: WeightSpec): boolean => w.init.std?.(w) === 0;

/** The value at which a weight starts that {@link isConstant}. */
export const startOf = (w: WeightSpec): Tensor => w.init(random.key(0), w);

/**
 * The weight for which a generator starts that serves many: of unit variance, so that each weight is what comes out
 * times its own {@link factorOf}; or zero, when every weight of the target starts at a constant.
 */
export const unitModel = (target: TargetSpec): WeightSpec =>
  weight({ shape: [1], init: Object.values(target).every(isConstant) ? init.zeros : init.normal() });

/** Whether a weight starts at a constant under a scheme too: it may ask biases to vary. */
export const staysConstant = (w: WeightSpec, start: HeadInit): boolean =>
  isConstant(w) && !start.weight(w, { width: 1, secondMoment: 1 }).std?.(w);

/** The largest factor of a weight that starts at a constant but shares a generator with others. */
const nearConstant = 0.1;

/**
 * What a generated number of the model's variance is multiplied by to become an element of `w`. A weight that starts at
 * a constant has no scale of its own: it gets 1 / sqrt(fanIn), as its neighbours do, 0.1 at most.
 */
export const factorOf = (w: WeightSpec, model: WeightSpec, start: HeadInit): number =>
  staysConstant(w, start) ? Math.min(nearConstant, 1 / Math.sqrt(w.fanIn)) : start.ratio(w, model);

/**
 * The last layer [width, outputs] of a generator that serves many weights, every output's column scaled to the mean
 * square that is asked for on average: as all weights hang on few columns, their scale would differ from key to key, and
 * the activations of an L-layer target by its power L.
 */
export function evenColumns(start: Initializer): Initializer {
  const draw = (key: Tensor, spec: WeightSpec): Tensor => {
    const drawn = start(key, spec);
    const std = start.std?.(spec) ?? 0;
    if (std === 0) return drawn;
    return mul(drawn, mul(rsqrt(mean(square(drawn), { axis: 0, keepDims: true })), std));
  };
  return Object.assign(draw, { std: (spec: WeightSpec) => start.std?.(spec) ?? 0 });
}

/**
 * Signs, as if drawn with even odds, that depend on the path and place alone. A generator that gives similar numbers at
 * similar places repeats itself along the rows of a matrix, and inputs of one sign then add up: fixed signs undo that.
 */
export function signsOf(path: string, count: number): Float32Array {
  let state = pathHash(path);
  return Float32Array.from({ length: count }, () => {
    // splitmix32 (Steele et al. 2014)
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) < 0 ? -1 : 1;
  });
}

/** Signs times {@link factorOf} for every element of a target, in the order of its paths. */
export function multipliers(target: TargetSpec, model: WeightSpec, start: HeadInit): Float32Array {
  const all = new Float32Array(countParams(target));
  let at = 0;
  for (const [path, w] of Object.entries(target)) {
    const factor = factorOf(w, model, start);
    for (const sign of signsOf(path, sizeOf(w.shape))) all[at++] = sign * factor;
  }
  return all;
}
