import { init, type WeightSpec, weight } from '../../nn/index.ts';
import { ArgumentError, add, matmul, relu, reshape, sizeOf, type Tensor } from '../../tensor/index.ts';
import { defineHead, type Head, mapTarget } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link dense}. */
export interface DenseOptions {
  /** Widths of the ReLU layers between code and weights. Default none: weights are affine in the code. */
  readonly hidden?: readonly number[];
  /** How the last layer starts. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
}

/** The weights of an affine layer. */
export interface Affine {
  readonly weight: WeightSpec;
  readonly bias: WeightSpec;
}

/** The weights of a dense head: ReLU layers, then one affine layer for each weight of the target. */
export interface DenseSpec {
  readonly hidden: readonly Affine[];
  readonly out: Readonly<Record<string, Affine>>;
}

/**
 * Dense head: a small ReLU network maps the code to every number of the target. Each number costs as many parameters
 * as the last hidden layer has units, plus one.
 * @throws ArgumentError for widths below 1, or when the hypernetwork has no code
 * @example
 * const model = hypernetwork(nn.mlp({ in: 1, hidden: [40, 40], out: 1 }), { code: 8, head: heads.dense({ hidden: [64] }) });
 */
export function dense({ hidden = [], init: start = hyperfanIn() }: DenseOptions = {}): Head<DenseSpec> {
  if (hidden.some((width) => !Number.isInteger(width) || width < 1)) {
    throw new ArgumentError(`heads.dense: expected hidden widths of at least 1, got [${hidden.join(', ')}]`);
  }
  return defineHead<DenseSpec>({
    name: 'dense',
    spec: (target, { size, secondMoment }) => {
      if (size === 0) throw new ArgumentError('heads.dense: expected a code of at least 1 element, got none');
      const widths = [size, ...hidden];
      const input = { width: widths.at(-1)!, secondMoment };
      return {
        // Kaiming layers keep the second moment of the code.
        hidden: hidden.map((width, i) => ({
          weight: weight({ shape: [widths[i]!, width], init: init.kaimingNormal() }),
          bias: weight({ shape: [width], role: 'bias', init: init.zeros }),
        })),
        out: mapTarget(target, (w) => ({
          weight: weight({ shape: [input.width, sizeOf(w.shape)], init: start.weight(w, input) }),
          bias: weight({ shape: [sizeOf(w.shape)], role: 'bias', init: start.bias(w, input) }),
        })),
      };
    },
    apply: (params, code, target) => {
      const affine = (x: Tensor, layer: { readonly weight: Tensor; readonly bias: Tensor }) =>
        add(matmul(x, layer.weight), layer.bias);
      const features = params.hidden.reduce((x, layer) => relu(affine(x, layer)), reshape(code, [1, -1]));
      return mapTarget(target, (w, path) => reshape(affine(features, params.out[path]!), w.shape));
    },
  });
}
