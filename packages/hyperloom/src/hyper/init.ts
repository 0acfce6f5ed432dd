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
  /** How hidden layers of the head start; when absent, they keep the second moment of the code. */
  readonly hidden?: Initializer;
  /** What to multiply a weight by that shares the generator of another, so that both have their own scale. */
  ratio(target: WeightSpec, model: WeightSpec): number;
}

/** The variance with which a target's weight would be drawn if it were stored. */
function targetVariance(scheme: string, target: WeightSpec): number {
  const std = target.init.std?.(target);
  if (std === undefined)
    throw new ArgumentError(`${scheme}: expected an initializer of the target that knows its standard deviation`);
  return std ** 2;
}

/** The target's own first values, laid out as the bias of a head. */
export const asTarget = (target: WeightSpec): Initializer =>
  Object.assign((key: Parameters<Initializer>[0], spec: WeightSpec) => reshape(target.init(key, target), spec.shape), {
    std: () => target.init.std?.(target) ?? 0,
  });

const drawn = (std: number): Initializer => (std > 0 ? init.normal({ std }) : init.zeros);

/** Hyperfan schemes: generated weights have the given variance, and what has none starts as the target's own. */
const hyperfan = (name: string, variance: (target: WeightSpec) => number): HeadInit => ({
  name,
  weight: (target, { width, secondMoment }) => drawn(Math.sqrt(variance(target) / (width * secondMoment))),
  bias: (target) => (variance(target) === 0 ? asTarget(target) : init.zeros),
  ratio: (target, model) => ratioOf(variance(target), variance(model)),
});

/** A weight that starts at 0 shares a generator unscaled: at a ratio of 0 it could never leave 0. */
const ratioOf = (variance: number, model: number): number =>
  variance === 0 || model === 0 ? 1 : Math.sqrt(variance / model);

/** Settings of the hyperfan schemes. */
export interface HyperfanOptions {
  /** Whether generated biases vary with the code from the start, as in the paper. Default false: they start at 0. */
  readonly biases?: boolean;
  /** 2 for a target of ReLU layers, 1 otherwise: the paper's c. */
  readonly c?: number;
}

/** Raises for a c that would let weights start at 0, or nowhere. */
function checkGain(scheme: string, c: number): void {
  if (!(c > 0) || !Number.isFinite(c)) throw new ArgumentError(`${scheme}: expected a positive c, got ${c}`);
}

/**
 * Hyperfan-in (Chang et al. 2020, section 4): the head's last layer is scaled so that generated weights have the
 * variance that the target's own initializer asks for: Var(W) = Var(target) / (dk Var(e)), which for a Kaiming
 * target is c / (fanIn dk Var(e)). What the target would start at a constant (biases at 0, scales at 1) starts there.
 * @param biases when true, generated biases carry half of the variance, as in the paper: Var(target) / 2 for kernels
 * and c / 2 for biases
 * @param c used for generated biases; default 2
 * @throws ArgumentError for a c that is not positive
 * @example
 * const head = heads.dense({ hidden: [32], init: hyper.hyperfanIn({ biases: true }) });
 */
export const hyperfanIn = ({ biases = false, c = 2 }: HyperfanOptions = {}): HeadInit => {
  checkGain('hyperfanIn', c);
  return hyperfan('hyperfanIn', (target) => {
    if (biases && target.role === 'bias') return c / 2;
    return targetVariance('hyperfanIn', target) / (biases && target.role === 'kernel' ? 2 : 1);
  });
};

/**
 * Hyperfan-out (Chang et al. 2020, section 4): as {@link hyperfanIn}, but generated kernels keep the variance of
 * gradients rather than of activations: Var(W) = c / (fanOut dk Var(e)). Generated biases then make up for what
 * activations lose in a layer that widens: Var(b) = max(0, c (1 - fanIn / fanOut) / (dk Var(e))).
 * @param biases when true, generated biases vary so; otherwise they start at the target's own
 * @param c for kernels; default what each kernel's own initializer implies, Var(target) fanIn (2 for Kaiming, 1 for
 * LeCun). For biases the default is 2
 * @throws ArgumentError for a c that is not positive
 * @example
 * const head = heads.dense({ hidden: [32], init: hyper.hyperfanOut({ biases: true }) });
 */
export const hyperfanOut = ({ biases = false, c }: HyperfanOptions = {}): HeadInit => {
  checkGain('hyperfanOut', c ?? 2);
  return hyperfan('hyperfanOut', (target) => {
    const { role, fanIn, fanOut } = target;
    if (biases && role === 'bias') return Math.max(0, (c ?? 2) * (1 - fanIn / fanOut));
    const own = targetVariance('hyperfanOut', target);
    if (role !== 'kernel' || own === 0) return own;
    return (c ?? own * fanIn) / fanOut;
  });
};

/**
 * Bias-HyperInit (Beck et al. 2022): the last layer's weights start at 0 and its biases at the target's own first
 * values, so that every code begins with the same, ordinary network. The code has no influence on the first step,
 * and the head's hidden layers and the code get no gradient in it: both begin with the second.
 *
 * The bias holds a whole network only in heads that have one for each weight (`dense`, `lowRank`, `experts`, `scale`).
 * A head that shares its biases between weights (`layerwise`, `chunked`) would start with equal ones, and one that has
 * none (`coordinate`, `graph`) with zeros: give it a stored base instead (`base: true`).
 * @example
 * const head = heads.dense({ hidden: [32], init: hyper.biasHyperInit() });
 */
export const biasHyperInit = (): HeadInit => ({
  name: 'biasHyperInit',
  weight: () => init.zeros,
  bias: asTarget,
  ratio: ownRatio,
});

/**
 * The start of magnitude invariant parametrisation (Ortiz et al. 2023, section 4, with the authors' code for the
 * gain): the last layer's weights are Kaiming normal by its fan-out, Var = 1 / fanOut, and its bias is theta0, the
 * target's own first values. A head has one last layer for each weight of the target, so that fanOut is the size of
 * that weight; a large weight hardly varies with the code at the start. The paper's other half is a code of constant
 * norm.
 *
 * What is said of shared biases at {@link biasHyperInit} holds here too.
 * @example
 * const head = heads.dense({ hidden: [32], init: hyper.mipInit() });
 */
export const mipInit = (): HeadInit => ({
  name: 'mipInit',
  weight: () => init.kaimingNormal({ mode: 'fanOut', gain: 1 }),
  bias: asTarget,
  ratio: ownRatio,
});

/**
 * Ordinary Kaiming normal on the head's last layer, Var = 2 / dk, biases 0: what a layer gets that does not know that
 * its outputs are weights. It is there to be compared with: generated weights have a variance near 2 whatever the
 * target's fans, so activations grow with every layer.
 * @example
 * const head = heads.dense({ hidden: [32], init: hyper.kaimingInit() });
 */
export const kaimingInit = (): HeadInit => ({
  name: 'kaimingInit',
  weight: () => init.kaimingNormal(),
  bias: () => init.zeros,
  ratio: () => 1,
});

/** By the target's own initializers, where they know their standard deviations. */
function ownRatio(target: WeightSpec, model: WeightSpec): number {
  const [own, shared] = [target, model].map((w) => w.init.std?.(w) ?? 0) as [number, number];
  return ratioOf(own ** 2, shared ** 2);
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
