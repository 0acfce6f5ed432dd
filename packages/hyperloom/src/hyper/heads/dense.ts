import { type Activation, relu, weight } from '../../nn/index.ts';
import { reshape, sizeOf } from '../../tensor/index.ts';
import { type Affine, affine, checkHidden, trunk, trunkSpec } from '../generator/trunk.ts';
import { defineHead, type Head, mapTarget } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link dense}. */
export interface DenseOptions {
  /** Widths of the layers between code and weights. Default none: weights are affine in the code. */
  readonly hidden?: readonly number[];
  /** After each of these layers. Default ReLU. */
  readonly activation?: Activation;
  /** How the last layer starts. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
}

/** The weights of a dense head: hidden layers, then one affine layer for each weight of the target. */
export type DenseSpec = {
  readonly hidden: readonly Affine[];
  readonly out: Readonly<Record<string, Affine>>;
};

/**
 * Dense head: a small network maps the code to every number of the target. Each number costs as many parameters
 * as the last hidden layer has units, plus one.
 * @throws ArgumentError for widths below 1, or when the hypernetwork has no code
 * @example
 * const model = hypernetwork(nn.mlp({ in: 1, hidden: [40, 40], out: 1 }), { code: 8, head: heads.dense({ hidden: [64] }) });
 */
export function dense({
  hidden = [],
  activation = relu,
  init: start = hyperfanIn(),
}: DenseOptions = {}): Head<DenseSpec> {
  checkHidden('heads.dense', hidden);
  return defineHead<DenseSpec>({
    name: 'dense',
    spec: (target, code) => {
      const { layers, input } = trunkSpec('heads.dense', code, hidden, {
        activation,
        init: start.hidden,
      });
      return {
        hidden: layers,
        out: mapTarget(target, (w) => ({
          weight: weight({ shape: [input.width, sizeOf(w.shape)], init: start.weight(w, input) }),
          bias: weight({ shape: [sizeOf(w.shape)], role: 'bias', init: start.bias(w, input) }),
        })),
      };
    },
    apply: (params, code, target) => {
      const features = trunk(params.hidden, code, activation);
      return mapTarget(target, (w, path) => reshape(affine(features, params.out[path]!), w.shape));
    },
  });
}
