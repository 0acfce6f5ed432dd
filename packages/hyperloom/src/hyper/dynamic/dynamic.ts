import { defineModule, type Module, type Params } from '../../nn/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import { encoder } from '../codes/index.ts';
import type { Conditioner } from '../conditioner.ts';
import type { Head } from '../head.ts';
import { type Hypernetwork, type HyperSpec, hypernetwork, type TargetOptions } from '../hypernetwork.ts';

/** Settings of {@link dynamic}. */
export interface DynamicOptions<C, H> extends TargetOptions {
  /** What makes the code of the input: a module that gives a vector, or a conditioner. */
  readonly encode: Module<C, Tensor, Tensor> | Conditioner<Tensor, C>;
  /** Elements of the code, for an `encode` that is a module. */
  readonly size?: number;
  /** Expected mean square of an element of the code, for an `encode` that is a module. Default 1. */
  readonly secondMoment?: number;
  /** Scales each code to exactly that mean square, for an `encode` that is a module. Default false. */
  readonly normalize?: boolean;
  readonly head: Head<H>;
}

/** A layer whose weights depend on its input. */
export interface Dynamic<S, O, C, H> extends Module<HyperSpec<C, H>, Tensor, O> {
  /** The hypernetwork that it is made of, which reads the input twice: as the source of its code, and as input. */
  readonly hypernetwork: Hypernetwork<S, Tensor, O, Tensor, C, H>;
  /** All weights of the layer for an input. */
  weights(params: Params<HyperSpec<C, H>>, input: Tensor): Params<S>;
}

/**
 * A dynamic layer: any layer from tensor to tensor, with weights that a hypernetwork generates from the layer's own
 * input (dynamic filter networks, De Brabandere et al. 2016, section 3.1). It takes the place of the layer anywhere, as
 * in `nn.sequential`. Under `vmap` each example has weights of its own.
 * @throws ArgumentError for a module as `encode` without `size`, and as {@link hypernetwork} does
 * @example
 * const encode = nn.mlp({ in: 8, hidden: [4], out: 4 });
 * const layer = hyper.dynamic(nn.linear({ in: 8, out: 3 }), { encode, size: 4, head: heads.lowRank({ rank: 1 }) });
 * const net = nn.sequential({ layer, tanh: nn.tanh });
 * const y = net.apply(net.init(random.key(0)), constant(zerosArray('float32', [8]))); // [3]
 */
export function dynamic<S, O, C, H>(
  target: Module<S, Tensor, O>,
  { encode, size = 0, secondMoment = 1, normalize = false, ...options }: DynamicOptions<C, H>,
): Dynamic<S, O, C, H> {
  const code =
    'secondMoment' in encode ? encode : encoder<C, Tensor>(encode as Module<C>, { size, secondMoment, normalize });
  const model = hypernetwork<S, Tensor, O, Tensor, C, H>(target, { ...options, code });
  const module = defineModule<HyperSpec<C, H>, Tensor, O>({
    name: `dynamic(${target.name})`,
    spec: model.spec,
    apply: (params, input, context) => model.apply(params, { code: input, input }, context),
  });
  return { ...module, hypernetwork: model, weights: (params, input) => model.materialise(params, input) };
}
