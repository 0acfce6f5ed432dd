import { add, ShapeError, sameShape, showShape } from '../tensor/index.ts';
import { applyChild, defineModule, type Module, type Params } from './module.ts';

/** Weights of {@link residual}: those of the body, and of the projection if there is one. */
export type ResidualSpec<B, P> = { readonly body: B; readonly project?: P };

/**
 * body(x) + x, or body(x) + project(x) where the body changes the shape (He et al. 2016).
 * @throws ShapeError when applied, if the two do not have one shape
 * @example
 * const block = nn.residual(nn.mlp({ in: 8, hidden: [16], out: 8 }));
 * const wider = nn.residual(nn.linear({ in: 8, out: 16 }), { project: nn.linear({ in: 8, out: 16, bias: false }) });
 */
export function residual<B, P = never>(
  body: Module<B>,
  { project }: { readonly project?: Module<P> } = {},
): Module<ResidualSpec<B, P>> {
  return defineModule<ResidualSpec<B, P>>({
    name: 'residual',
    spec: { body: body.spec, ...(project && { project: project.spec }) },
    apply: (params, x, context) => {
      const own = params as { readonly body: Params<B>; readonly project: Params<P> };
      const y = applyChild('body', body, own.body, x, context);
      const skip = project ? applyChild('project', project, own.project, x, context) : x;
      if (!sameShape(y.shape, skip.shape)) {
        throw new ShapeError(`residual: expected the body to give ${showShape(skip.shape)}, got ${showShape(y.shape)}`);
      }
      return add(y, skip);
    },
  });
}
