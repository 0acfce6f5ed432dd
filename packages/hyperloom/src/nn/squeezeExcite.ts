import { mean, mul, relu, reshape, ShapeError, showShape, sigmoid } from '../tensor/index.ts';
import { kaimingNormal } from './init.ts';
import { type LinearSpec, linear } from './linear.ts';
import { applyChild, defineModule, type Module } from './module.ts';
import { whole } from './options.ts';

/** Weights of {@link squeezeExcite}: two linear layers, channels to fewer and back. */
export type SqueezeExciteSpec = { readonly squeeze: LinearSpec; readonly excite: LinearSpec };

/**
 * Scales each channel by a share from 0 to 1 that is read from the means of all channels:
 * x * sigmoid(W2 relu(W1 mean(x))), [channels, ...] to the same (Hu et al. 2018, eq. 2 to 4).
 * @param options `reduction`: by how much the hidden layer has fewer units than there are channels; 16 by default, and
 *   at least one unit is kept
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for other channels
 * @example
 * const layer = nn.squeezeExcite({ channels: 16, reduction: 4 });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [16, 7, 7])));
 */
export function squeezeExcite({
  channels,
  reduction = 16,
}: {
  readonly channels: number;
  readonly reduction?: number;
}): Module<SqueezeExciteSpec> {
  const hidden = Math.ceil(
    whole('squeezeExcite', 'channels', channels) / whole('squeezeExcite', 'reduction', reduction),
  );
  const squeeze = linear({ in: channels, out: hidden, init: kaimingNormal() });
  const excite = linear({ in: hidden, out: channels });
  return defineModule<SqueezeExciteSpec>({
    name: 'squeezeExcite',
    spec: { squeeze: squeeze.spec, excite: excite.spec },
    apply: (params, x, context) => {
      if (x.rank < 2 || x.shape[0] !== channels)
        throw new ShapeError(`squeezeExcite: expected [${channels}, ...], got ${showShape(x.shape)}`);
      const places = x.shape.slice(1);
      const means = mean(x, { axis: places.map((_, i) => i + 1) });
      const hiddenUnits = relu(applyChild('squeeze', squeeze, params.squeeze, means, context));
      const share = sigmoid(applyChild('excite', excite, params.excite, hiddenUnits, context));
      return mul(x, reshape(share, [channels, ...places.map(() => 1)]));
    },
  });
}
