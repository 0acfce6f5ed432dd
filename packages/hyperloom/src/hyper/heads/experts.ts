import { type Context, init, type Params, type WeightSpec, weight } from '../../nn/index.ts';
import { ArgumentError, add, matmul, reshape, sizeOf, type Tensor } from '../../tensor/index.ts';
import { type Gate, gateMoments, gates } from '../generator/gates.ts';
import { layerOf } from '../generator/structure.ts';
import {
  checkTemperature,
  cooling,
  firstTemperature,
  type Temperature,
  type TemperatureSpec,
  temperatureSpec,
} from '../generator/temperature.ts';
import { type Affine, affine, checkHidden, trunk, trunkSpec } from '../generator/trunk.ts';
import { defineHead, type Head, mapTarget, type TargetSpec } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link experts}. */
export interface ExpertsOptions {
  /** Number of experts: K of the papers. */
  readonly count: number;
  /** `sigmoid` as in CondConv, or `softmax` as in dynamic convolution. */
  readonly gate: Gate;
  /**
   * What logits are divided by: a high one keeps coefficients alike. One that moves while the model trains, such as
   * `{ from: 34, to: 1, by: 3, every: stepsOfAnEpoch }` or `{ from, to, steps }`, is an untrained weight of the head, so
   * that evaluation, checkpoints and exported files have the present one. Default 1.
   */
  readonly temperature?: Temperature;
  /** Widths of the ReLU layers between code and logits. Default none: logits are affine in the code. */
  readonly hidden?: readonly number[];
  /** How the experts start. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
}

/** The K versions of a weight, one a row, and what is added to their mixture where that does not start at zero. */
export type ExpertSpec = {
  readonly weight: WeightSpec;
  readonly bias?: WeightSpec;
};

/**
 * The weights of a head of experts: ReLU layers, the logits of each layer of the target, and the experts; for a
 * temperature that moves, what it is now, and how many training steps were made.
 */
export type ExpertsSpec = Partial<TemperatureSpec> & {
  readonly hidden: readonly Affine[];
  readonly gates: Readonly<Record<string, Affine>>;
  readonly experts: Readonly<Record<string, ExpertSpec>>;
};

/** A head of experts, which can tell its coefficients. */
export interface ExpertsHead extends Head<ExpertsSpec> {
  /** The coefficients [count] of each layer of a target for a code; `target` for a target that is one layer itself. */
  coefficients(params: Params<ExpertsSpec>, code: Tensor, target: TargetSpec): Readonly<Record<string, Tensor>>;
}

/** Deviation of the first logits. Near-uniform coefficients let all experts learn (Chen et al. 2020, section 3.3). */
const logitStd = 0.5;

/**
 * Experts: each weight of the target is a mixture of K stored ones, W = sum_k alpha_k(code) W_k, and only the
 * coefficients depend on the code (CondConv, Yang et al. 2019, eq. 1; dynamic convolution, Chen et al. 2020, eq. 2). As
 * there, each layer has its own coefficients, which all of its weights share: a layer is what has one path up to the
 * last dot. Experts start so that the mixture has the variance that the target asks for, given the mean square of the
 * coefficients. Weights that start at a constant are that constant and a mixture that starts at zero.
 *
 * Parameters: K for each weight of the target, and for each of its layers K times the units of the last hidden layer
 * plus one. With a code for each example, a linear layer of one row is computed as x W = sum_k (alpha_k x) W_k, and
 * no example has a matrix of its own.
 * @throws ArgumentError for a count or widths below 1, an unknown gate, a temperature that is not positive, or when the
 * hypernetwork has no code
 * @example
 * const target = nn.mlp({ in: 64, hidden: [256, 256], out: 10 });
 * const head = heads.experts({ count: 4, gate: 'softmax', temperature: 30 });
 * const model = hypernetwork(target, { code: 8, head });
 */
export function experts({
  count,
  gate,
  temperature = 1,
  hidden = [],
  init: start = hyperfanIn(),
}: ExpertsOptions): ExpertsHead {
  if (!Number.isInteger(count) || count < 1)
    throw new ArgumentError(`heads.experts: expected a count of at least 1, got ${count}`);
  if (!Object.hasOwn(gates, gate))
    throw new ArgumentError(`heads.experts: expected a gate of ${Object.keys(gates).join(' or ')}, got ${gate}`);
  checkTemperature('heads.experts', temperature);
  checkHidden('heads.experts', hidden);
  const alphasOf = (params: Params<ExpertsSpec>, code: Tensor, target: TargetSpec, context?: Context) => {
    const features = trunk(params.hidden, code);
    const logits = gatesOf(target).map((layer) => [layer, affine(features, params.gates[layer]!)] as const);
    const cool = cooling(temperature, params, context);
    return Object.fromEntries(logits.map(([layer, own]) => [layer, gates[gate](cool(own))]));
  };
  const head = defineHead<ExpertsSpec>({
    name: 'experts',
    spec: (target, code) => {
      const { layers, input } = trunkSpec('heads.experts', code, hidden);
      const secondMoment = gateMoments[gate](count, logitStd / firstTemperature(temperature));
      const std = logitStd / Math.sqrt(input.width * input.secondMoment);
      return {
        hidden: layers,
        gates: Object.fromEntries(
          gatesOf(target).map((layer) => [
            layer,
            {
              weight: weight({ shape: [input.width, count], init: init.normal({ std }) }),
              bias: weight({ shape: [count], role: 'bias', init: init.zeros }),
            },
          ]),
        ),
        experts: mapTarget(target, (w) => expertSpec(w, count, secondMoment, start)),
        ...temperatureSpec(temperature),
      };
    },
    apply: (params, code, target, context) => {
      const alphas = alphasOf(params, code, target, context);
      return mapTarget(target, (w, path) => {
        const own = params.experts[path]!;
        const mixture = matmul(alphas[gateOf(path)]!, own.weight);
        return reshape(own.bias ? add(mixture, own.bias) : mixture, w.shape);
      });
    },
  });
  return {
    ...head,
    coefficients: (params, code, target) =>
      Object.fromEntries(
        Object.entries(alphasOf(params, code, target)).map(([layer, alphas]) => [layer, reshape(alphas, [count])]),
      ),
  };
}

/** The gates of a weight: those of its layer; a target that is one layer itself has gates called `target`. */
const gateOf = (path: string): string => layerOf(path) || 'target';

const gatesOf = (target: TargetSpec): string[] => [...new Set(Object.keys(target).map(gateOf))];

function expertSpec(w: WeightSpec, count: number, secondMoment: number, start: HeadInit): ExpertSpec {
  const input = { width: count, secondMoment };
  const size = sizeOf(w.shape);
  const bias = start.bias(w, input);
  return {
    weight: weight({ shape: [count, size], init: start.weight(w, input) }),
    // A bias that starts at zero adds nothing that the experts could not.
    ...(bias !== init.zeros && { bias: weight({ shape: [size], role: 'bias', init: bias }) }),
  };
}
