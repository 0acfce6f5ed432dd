import type { Conditioner } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { applyChild, defineModule, type MlpSpec, type Module, mlp, type Params } from 'hyperloom/nn';
import { broadcastTo, concat, reshape, type Tensor } from 'hyperloom/tensor';

/** The weights of {@link concatenation}. */
export interface ConcatenationSpec<C> {
  readonly code: C;
  readonly net: MlpSpec;
}

/** Settings of {@link concatenation}. */
export type ConcatenationOptions<Source, C> = {
  readonly code: Conditioner<Source, C>;
  /** Numbers of an input point. */
  readonly in: number;
} & (
  | { readonly hidden: readonly number[]; readonly out: number; readonly network?: undefined }
  | {
      /** The network for its number of inputs, those of a point and then the code, in place of one of ReLU layers. */
      readonly network: (inputs: number) => Module<MlpSpec>;
    }
);

/**
 * The control of a hypernetwork: one ordinary network that is told the code, joined to each of its inputs. With a set
 * encoder for the code it is a conditional neural process (Garnelo et al. 2018) without its variance. It reads what a
 * hypernetwork reads, `{ code, input }`, with input points [n, in]; it gives [n, out].
 */
export function concatenation<Source, C>(
  options: ConcatenationOptions<Source, C>,
): Module<ConcatenationSpec<C>, { readonly code: Source; readonly input: Tensor }, Tensor> {
  const { code, in: inputs } = options;
  const width = inputs + code.size;
  const net = options.network ? options.network(width) : mlp({ in: width, hidden: options.hidden, out: options.out });
  return defineModule<ConcatenationSpec<C>, { readonly code: Source; readonly input: Tensor }, Tensor>({
    name: 'concatenation',
    spec: { code: code.spec, net: net.spec },
    apply: (params, { code: source, input }, context) => {
      const own = params as { readonly code: Params<C>; readonly net: Params<MlpSpec> };
      const vector = applyChild('code', code, own.code, source, context);
      const rows = broadcastTo(reshape(vector, [1, code.size]), [input.shape[0]!, code.size]);
      return applyChild('net', net, own.net, concat([input, rows], 1), context);
    },
  });
}

/**
 * The model of a family, made by width, whose number of parameters is nearest to a given one.
 * @param make widths from 1 on give ever larger models
 */
export function matched<M extends { readonly spec: unknown }>(parameters: number, make: (width: number) => M): M {
  const count = (model: M) => nn.countParams(model.spec);
  // Widths between which the wanted one lies: the first is too small, or just right, and the second too large.
  let [low, high] = [1, 2];
  while (count(make(high)) <= parameters) [low, high] = [high, 2 * high];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (count(make(middle)) <= parameters) low = middle;
    else high = middle;
  }
  const [smaller, larger] = [make(low), make(high)];
  return count(larger) - parameters <= parameters - count(smaller) ? larger : smaller;
}
