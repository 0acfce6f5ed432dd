import { mul, reshape, ShapeError, showShape } from '../tensor/index.ts';
import { ones } from './init.ts';
import { defineModule, type Module, type WeightSpec, weight } from './module.ts';
import { whole } from './options.ts';

/** Weights of {@link gate}: a factor for each channel, or one for all. */
export type GateSpec = { readonly gate: WeightSpec };

/**
 * A gate: multiplies each channel of [channels, ...] by a factor of its own, or the whole input by one factor where no
 * channels are given, as for a layer that may be skipped. Factors start at 1, all open. They are weights of the role
 * `gate`: a hypernetwork generates them, from the input or from a budget, by `generate: '**.gate'`.
 * @throws ArgumentError for channels below 1; when applied, ShapeError for other channels
 * @example
 * const block = nn.sequential({ conv: nn.conv2d({ in: 4, out: 8, kernel: 3 }), open: nn.gate({ channels: 8 }), relu: nn.relu });
 * const skippable = nn.residual(nn.sequential({ mlp: nn.mlp({ in: 8, hidden: [16], out: 8 }), open: nn.gate() }));
 */
export function gate({ channels }: { readonly channels?: number } = {}): Module<GateSpec> {
  const shape = channels === undefined ? [] : [whole('gate', 'channels', channels)];
  return defineModule<GateSpec>({
    name: 'gate',
    spec: { gate: weight({ shape, fanIn: 1, fanOut: 1, role: 'gate', init: ones }) },
    apply: (params, x) => {
      if (channels === undefined) return mul(x, params.gate);
      if (x.shape[0] !== channels) throw new ShapeError(`gate: expected [${channels}, ...], got ${showShape(x.shape)}`);
      return mul(x, reshape(params.gate, [channels, ...x.shape.slice(1).map(() => 1)]));
    },
  });
}
