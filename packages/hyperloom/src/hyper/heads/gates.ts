import { init, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  cast,
  concat,
  greater,
  random,
  reshape,
  sigmoid,
  sizeOf,
  slice,
  type Tensor,
} from '../../tensor/index.ts';
import { type GateForm, logistic, type StochasticGate, stochasticGates } from '../generator/stochasticGates.ts';
import { type Affine, affine, checkHidden, trunk, trunkSpec } from '../generator/trunk.ts';
import { defineHead, type Head, mapTarget, type TargetSpec } from '../head.ts';

/** Settings of {@link gates}. */
export interface GatesOptions {
  /** `hardConcrete`: from 0 to 1, and exactly 0 or 1 with a probability of its own; `gumbel`: 0 or 1, straight through. */
  readonly kind?: StochasticGate;
  /** Widths of the ReLU layers between code and logits. Default none: logits are affine in the code. */
  readonly hidden?: readonly number[];
  /** The probability that a gate is open at the start. Default 0.98, for a first network that is nearly the whole one. */
  readonly open?: number;
  /**
   * Deviation of the first logits from code to code. Default 0.5: gates differ a little from the start. Those that start
   * far apart settle sooner into open and shut ones.
   */
  readonly spread?: number;
  /** What logits and noise are divided by: beta of Louizos et al., tau of Jang et al. Default 2/3 and 1. */
  readonly temperature?: number;
  /** What hard-concrete gates are stretched to before they are cut to 0 and 1. Default [-0.1, 1.1]. */
  readonly stretch?: readonly [number, number];
}

/** The weights of a head of gates: ReLU layers, and an affine layer for the logits of each weight of the target. */
export interface GatesSpec {
  readonly hidden: readonly Affine[];
  readonly out: Readonly<Record<string, Affine>>;
}

/**
 * Gates that the code opens: for weights of the role `gate` (see `nn.gate` and `nn.kernelGate`) of any shape, one logit
 * for each element comes from the code. In training gates are drawn with the key of the context, anew for each example;
 * otherwise, or without a key, they are functions of the code alone.
 *
 * - `hardConcrete` (Louizos et al. 2018, eq. 10 to 13): s = sigmoid((log u - log(1 - u) + logit) / beta) and the gate
 *   min(1, max(0, s (zeta - gamma) + gamma)), which is above 0 with the probability
 *   sigmoid(logit - beta log(-gamma / zeta)); without chance, s is sigmoid(logit).
 * - `gumbel` (Jang et al. 2017, two classes): 1 where logit + log u - log(1 - u) > 0 and 0 elsewhere, with the gradient
 *   of sigmoid((logit + log u - log(1 - u)) / tau); open with the probability sigmoid(logit), and without chance where
 *   logit > 0.
 *
 * `context.expect` is told how likely each element is to be open, as a function of the code that gradients follow also
 * where the drawn gate is shut or full; outside of training, 1 for what is open and 0 for what is not. A penalty on
 * that is what shuts gates: without one they have no reason to.
 *
 * Parameters: for each gate the units of the last hidden layer plus one.
 * @throws ArgumentError for an unknown kind, widths below 1, a probability outside of 0 to 1, a spread below 0, a temperature
 * that is not positive, a stretch that does not hold 0 to 1 inside; when given a target, for a weight that is no gate, or when the
 * hypernetwork has no code
 * @example
 * const target = nn.sequential({ conv: nn.conv2d({ in: 1, out: 8, kernel: 3 }), open: nn.gate({ channels: 8 }), relu: nn.relu });
 * const model = hypernetwork(target, { code: 1, generate: '**.gate', head: heads.gates({ hidden: [16] }) });
 * const both = heads.compose({ '**.gate': heads.gates({ kind: 'gumbel', open: 0.9 }), '**': heads.dense() });
 */
export function gates({
  kind = 'hardConcrete',
  hidden = [],
  open = 0.98,
  spread = 0.5,
  temperature,
  stretch = [-0.1, 1.1],
}: GatesOptions = {}): Head<GatesSpec> {
  if (!Object.hasOwn(stochasticGates, kind))
    throw new ArgumentError(
      `heads.gates: expected a kind of ${Object.keys(stochasticGates).join(' or ')}, got ${kind}`,
    );
  const made = stochasticGates[kind];
  const form: GateForm = { temperature: temperature ?? made.temperature, stretch };
  checkHidden('heads.gates', hidden);
  if (!(open > 0 && open < 1))
    throw new ArgumentError(`heads.gates: expected open to be a probability between 0 and 1, got ${open}`);
  if (!(spread >= 0) || !Number.isFinite(spread))
    throw new ArgumentError(`heads.gates: expected a spread of at least 0, got ${spread}`);
  if (!(form.temperature > 0) || !Number.isFinite(form.temperature))
    throw new ArgumentError(`heads.gates: expected a positive temperature, got ${temperature}`);
  if (!(stretch[0] < 0 && stretch[1] > 1))
    throw new ArgumentError(`heads.gates: expected a stretch from below 0 to above 1, got [${stretch.join(', ')}]`);
  const shift = made.shift(form);
  const start = Math.log(open / (1 - open)) - shift;
  return defineHead<GatesSpec>({
    name: 'gates',
    spec: (target, code) => {
      for (const [path, { role }] of Object.entries(target)) {
        if (role !== 'gate')
          throw new ArgumentError(
            `heads.gates: expected weights of the role gate, got ${path || 'a weight'} (${role})`,
          );
      }
      const { layers, input } = trunkSpec('heads.gates', code, hidden);
      const std = spread / Math.sqrt(input.width * input.secondMoment);
      return {
        hidden: layers,
        out: mapTarget(target, (w) => ({
          weight: weight({ shape: [input.width, sizeOf(w.shape)], init: init.normal({ std }) }),
          bias: weight({ shape: [sizeOf(w.shape)], role: 'bias', init: init.constantInit(start) }),
        })),
      };
    },
    apply: (params, code, target, context) => {
      const features = trunk(params.hidden, code);
      const paths = Object.keys(target);
      // All gates in one vector: each step below is then one operation, whatever the number of layers.
      const logits = concat(
        paths.map((path) => reshape(affine(features, params.out[path]!), [-1])),
        0,
      );
      const noise = context?.training && context.key ? logistic(random.uniform(context.key, logits.shape)) : undefined;
      const values = made.value(logits, noise, form);
      const opened = context?.training ? sigmoid(add(logits, shift)) : cast(greater(values, 0), 'float32');
      if (context?.expect) {
        for (const [path, open] of Object.entries(parted(opened, target))) context.expect(path, open);
      }
      return parted(values, target);
    },
  });
}

/** The weights of a target out of one vector. */
function parted(all: Tensor, target: TargetSpec): Readonly<Record<string, Tensor>> {
  let at = 0;
  return mapTarget(target, ({ shape }: WeightSpec) => {
    const first = at;
    at += sizeOf(shape);
    return reshape(slice(all, [[first, at]]), shape);
  });
}
