import { ArgumentError, mul, reshape, ShapeError, showShape } from '../tensor/index.ts';
import type { ConvSpec } from './conv.ts';
import { ones } from './init.ts';
import { applyChild, defineModule, type Module, type Params, type WeightSpec, weight } from './module.ts';
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

/** Weights of {@link kernelGate}: those of the convolution, and a factor for each of its kernels. */
export type KernelGateSpec = { readonly conv: ConvSpec; readonly gate: WeightSpec };

/**
 * A convolution with a gate on each of its kernels: the part of the weight that leads from one channel to another is
 * multiplied by a factor of its own, [out, in / groups] in all. Factors start at 1 and have the role `gate`, as those of
 * {@link gate}, which shuts whole channels.
 * @param conv `conv1d` or `conv2d`
 * @throws ArgumentError for a module without a kernel [out, in / groups, ...]
 * @example
 * const layer = nn.kernelGate(nn.conv2d({ in: 4, out: 8, kernel: 3, padding: 'same' }));
 * const model = hypernetwork(layer, { code: 1, generate: '**.gate', head: heads.gates() });
 */
export function kernelGate(conv: Module<ConvSpec>): Module<KernelGateSpec> {
  const [outputs, inputs, ...window] = conv.spec.weight?.shape ?? [];
  if (outputs === undefined || inputs === undefined || window.length === 0)
    throw new ArgumentError(`kernelGate: expected a convolution, got ${conv.name}`);
  return defineModule<KernelGateSpec>({
    name: `kernelGate(${conv.name})`,
    spec: {
      conv: conv.spec,
      gate: weight({ shape: [outputs, inputs], fanIn: 1, fanOut: 1, role: 'gate', init: ones }),
    },
    apply: (params, x, context) => {
      const { conv: own, gate: factors } = params as {
        readonly conv: Params<ConvSpec>;
        readonly gate: Params<WeightSpec>;
      };
      const weight = mul(own.weight, reshape(factors, [outputs, inputs, ...window.map(() => 1)]));
      return applyChild('conv', conv, { ...own, weight }, x, context);
    },
  });
}
