import type { NoWeights, WeightSpec } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  cast,
  greaterEqual,
  iota,
  maximum,
  mul,
  reshape,
  ShapeError,
  showShape,
  slice,
  type Tensor,
} from '../../tensor/index.ts';
import { defineHead, type Head, mapTarget, type TargetSpec } from '../head.ts';

/** Settings of {@link widths}. */
export interface WidthsOptions {
  /** Whether the first element of the code is the share of every gate. Default false: each gate has its own. */
  readonly uniform?: boolean;
}

/**
 * Widths: gates that are open up to a share of their channels, which the code says. No gate is learned: the head has no
 * weights, and no gradient flows through it to the code. Sampled in training, the codes are sampled architectures
 * (SMASH: Brock et al. 2018; slimmable networks: Yu et al. 2019), and beside another head in {@link compose} the weights
 * are generated from the same numbers.
 *
 * The code begins with one share for each gate, in the order of the gates in the target's spec (`Object.keys(
 * model.generated)`), or with one share for all when `uniform`; elements after those are for other heads. A share s of
 * a gate of C channels opens channels 0 to round(s C) - 1: at least the first, at most all C. A gate of a whole layer
 * (shape []) is open where s >= 0.5: in a residual block that is depth.
 * @throws ArgumentError when given a target with a weight that is no gate, or a code that is too short; when applied,
 * ShapeError for a gate of more than one axis
 * @example
 * const target = nn.sequential({
 *   conv: nn.conv2d({ in: 1, out: 8, kernel: 3 }),
 *   open: nn.gate({ channels: 8 }),
 *   relu: nn.relu,
 *   pool: nn.globalAvgPool,
 *   fc: nn.linear({ in: 8, out: 10 }),
 * });
 * const head = heads.compose({ '**.gate': heads.widths(), '**': heads.dense({ hidden: [16] }) });
 * const model = hypernetwork(target, { code: 1, head });
 * const params = model.init(random.key(0));
 * const { 'open.gate': gate } = model.generate(params, constant([0.5])); // [1, 1, 1, 1, 0, 0, 0, 0]
 */
export function widths({ uniform = false }: WidthsOptions = {}): Head<NoWeights> {
  return defineHead<NoWeights>({
    name: 'widths',
    spec: (target, { size }) => {
      const odd = Object.entries(target).find(([, { role }]) => role !== 'gate');
      if (odd !== undefined)
        throw new ArgumentError(`heads.widths: expected gates alone, got ${odd[0]} of role ${odd[1].role}`);
      const wanted = sharesOf(target, uniform);
      if (size < wanted)
        throw new ArgumentError(
          `heads.widths: expected a code of at least ${wanted} (${uniform ? 'one share for all gates' : 'a share for each gate'}), got ${size}`,
        );
      return {};
    },
    apply: (_, code, target) => {
      const places = Object.keys(target);
      return mapTarget(target, (gate, path) => {
        const at = uniform ? 0 : places.indexOf(path);
        return opened(slice(code, [[at, at + 1]]), gate, path);
      });
    },
  });
}

const sharesOf = (target: TargetSpec, uniform: boolean): number => (uniform ? 1 : Object.keys(target).length);

/** The gate of a share [1]. */
function opened(share: Tensor, { shape }: WeightSpec, path: string): Tensor {
  if (shape.length > 1)
    throw new ShapeError(`heads.widths: expected ${path} [channels] or [], got ${showShape(shape)}`);
  const [channels] = shape;
  if (channels === undefined) return reshape(cast(greaterEqual(share, 0.5), 'float32'), []);
  // Channel i is below the rounded number where the number is i + 1/2 or more; the first one always is.
  const wanted = maximum(mul(share, channels), 0.5);
  return cast(greaterEqual(wanted, add(iota(channels, 'float32'), 0.5)), 'float32');
}
