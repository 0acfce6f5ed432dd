import * as nn from 'hyperloom/nn';
import { type Tensor, tree, vmap } from 'hyperloom/tensor';

/** Many networks of one form as one module: inputs [count, n, in] to outputs [count, n, out]. */
export const sideBySide = (target: nn.Module<nn.MlpSpec>, count: number) =>
  nn.defineModule({
    name: 'sideBySide',
    spec: tree.map((w: nn.WeightSpec): nn.WeightSpec => {
      const init = nn.init.byRow((key, row) => w.init(key, { ...w, shape: row.shape }));
      return { ...w, shape: [count, ...w.shape], init };
    }, target.spec),
    apply: (params, input: Tensor) =>
      vmap((own: nn.Params<nn.MlpSpec>, x: Tensor) => target.apply(own, x))(params as never, input),
  });
