import { init, type WeightSpec, weight } from '../../nn/index.ts';
import { add, mul, reshape, type Shape, sizeOf } from '../../tensor/index.ts';
import { type Affine, affine, checkHidden, trunk, trunkSpec } from '../generator/trunk.ts';
import { defineHead, type Head, mapTarget, type TargetSpec } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link scale}. */
export interface ScaleOptions {
  /** Widths of the ReLU layers between code and scales. Default none: scales are affine in the code. */
  readonly hidden?: readonly number[];
  /** How the last layers start. Default {@link hyperfanIn}, under which scales start at 1 and shifts at 0. */
  readonly init?: HeadInit;
}

/** The weights of a scaling head: the target's own, ReLU layers, and an affine layer for each weight's scales. */
export interface ScaleSpec {
  readonly stored: TargetSpec;
  readonly hidden: readonly Affine[];
  readonly out: Readonly<Record<string, Affine>>;
}

/**
 * Scaling head: the target's weights are stored, and the code scales the part of each that makes one output: columns of
 * matrices [in, out] and of embeddings, rows of kernels [out, in, ...k] (Ha et al. 2016, section 3.2 and eq. 10, there
 * for the weights of a recurrent cell). Scales of norms are scaled element by element; biases and shifts are shifted
 * by the code. On a layer or norm that is the feature-wise modulation of Perez et al. (2018).
 *
 * Scales start at 1 and shifts at 0 for every code, so that the first network is the ordinary one, and the code and the
 * hidden layers get their first gradient in the second step.
 *
 * Parameters: the target's own, and for each of its outputs (twice with a bias) the units of the last hidden layer plus
 * one. With a code for each example no weight is made for each: x (W s) is computed as (x W) s.
 * @throws ArgumentError for widths below 1, or when the hypernetwork has no code
 * @example
 * const target = nn.mlp({ in: 64, hidden: [256, 256], out: 10 });
 * const model = hypernetwork(target, { code: 8, head: heads.scale() });
 * const n = nn.countParams(model.spec); // 94,398: 85,002 of the target and 9 for each of 1,044 scales and shifts
 */
export function scale({ hidden = [], init: start = hyperfanIn() }: ScaleOptions = {}): Head<ScaleSpec> {
  checkHidden('heads.scale', hidden);
  return defineHead<ScaleSpec>({
    name: 'scale',
    spec: (target, code) => {
      const { layers, input } = trunkSpec('heads.scale', code, hidden);
      return {
        stored: target,
        hidden: layers,
        out: mapTarget(target, (w) => {
          const shape = [sizeOf(modulationShape(w))];
          const modulation = isShifted(w)
            ? weight({ shape, fanIn: 1, fanOut: 1, role: 'shift', init: init.zeros })
            : weight({ shape, fanIn: 1, fanOut: 1, role: 'scale', init: init.ones });
          return {
            weight: weight({ shape: [input.width, ...shape], init: start.weight(modulation, input) }),
            bias: weight({ shape, role: 'bias', init: start.bias(modulation, input) }),
          };
        }),
      };
    },
    apply: (params, code, target) => {
      const features = trunk(params.hidden, code);
      return mapTarget(target, (w, path) => {
        const modulation = reshape(affine(features, params.out[path]!), modulationShape(w));
        const own = params.stored[path]!;
        return isShifted(w) ? add(own, modulation) : mul(own, modulation);
      });
    },
  });
}

const isShifted = ({ role }: WeightSpec): boolean => role === 'bias' || role === 'shift';

/** The shape of a weight's scales, which stretches to that of the weight: one for each output. */
function modulationShape({ shape, role }: WeightSpec): Shape {
  if ((role !== 'kernel' && role !== 'embedding') || shape.length < 2) return shape;
  return shape.length === 2 ? [1, shape[1]!] : [shape[0]!, ...shape.slice(1).map(() => 1)];
}
