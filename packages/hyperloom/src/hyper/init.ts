import { type Initializer, init, type WeightSpec } from '../nn/index.ts';
import { ArgumentError, reshape } from '../tensor/index.ts';

/** What enters the last layer of a head. */
export interface HeadInput {
  /** Number of elements that each generated number sums over: dk of Chang et al. */
  readonly width: number;
  /** Expected mean square of an element: Var(e). */
  readonly secondMoment: number;
}

/** How the last layer of a head starts, for one weight of the target. */
export interface HeadInit {
  readonly name: string;
  weight(target: WeightSpec, input: HeadInput): Initializer;
  bias(target: WeightSpec, input: HeadInput): Initializer;
  /** What to multiply a weight by that shares the generator of another, so that both have their own scale. */
  ratio(target: WeightSpec, model: WeightSpec): number;
}

/** The standard deviation with which a target's weight would be drawn if it were stored. */
function targetStd(target: WeightSpec): number {
  const std = target.init.std?.(target);
  if (std === undefined)
    throw new ArgumentError('hyperfan: expected an initializer of the target that knows its standard deviation');
  return std;
}

/** The target's own first values, laid out as the bias of a head. */
export const asTarget = (target: WeightSpec): Initializer =>
  Object.assign((key: Parameters<Initializer>[0], spec: WeightSpec) => reshape(target.init(key, target), spec.shape), {
    std: () => target.init.std?.(target) ?? 0,
  });

const drawn = (std: number): Initializer => (std > 0 ? init.normal({ std }) : init.zeros);

/**
 * Hyperfan-in (Chang et al. 2020, section 4): the head's last layer is scaled so that generated weights have the
 * variance that the target's own initializer asks for: Var(W) = Var(target) / (dk Var(e)), which for a Kaiming
 * target is c / (fanIn dk Var(e)). What the target would start at a constant (biases at 0, scales at 1) starts there.
 * @param biases when true, generated biases carry half of the variance, as in the paper: Var(target) / 2 for kernels
 * and c / 2 for biases
 * @param c 2 for a target of ReLU layers, 1 otherwise; used for generated biases
 * @example
 * const head = heads.dense({ hidden: [32], init: hyper.hyperfanIn({ biases: true }) });
 */
export function hyperfanIn({
  biases = false,
  c = 2,
}: {
  readonly biases?: boolean;
  readonly c?: number;
} = {}): HeadInit {
  const variance = (target: WeightSpec): number => {
    if (biases && target.role === 'bias') return c / 2;
    return targetStd(target) ** 2 / (biases && target.role === 'kernel' ? 2 : 1);
  };
  return {
    name: 'hyperfanIn',
    weight: (target, { width, secondMoment }) => drawn(Math.sqrt(variance(target) / (width * secondMoment))),
    bias: (target) => (variance(target) === 0 ? asTarget(target) : init.zeros),
    ratio: (target, model) => (variance(model) === 0 ? 1 : Math.sqrt(variance(target) / variance(model))),
  };
}

/**
 * Constants whatever the target: the setting of Ha et al. 2016 (weights truncated normal with the given standard
 * deviation before the cut, biases 0).
 * @example
 * const head = heads.layerwise({ embedding: 4, init: hyper.constantInit({ std: 0.01 }) });
 */
export const constantInit = ({ std = 0.01 }: { readonly std?: number } = {}): HeadInit => ({
  name: 'constant',
  weight: () => init.truncatedNormal({ std: std * 0.8796256610342398 }),
  bias: () => init.zeros,
  ratio: () => 1,
});
