import { ArgumentError, DTypeError, type NdArray, ShapeError, sameShape, showShape, tree } from '../tensor/index.ts';

/**
 * Takes trained weights over into a larger model of the same recipe: one with more codes. A weight of equal shape is
 * copied bit for bit. One with more rows along its leading axis (a table of embeddings, a weight stored for each code)
 * keeps its old rows, bit for bit, and has the fresh ones behind them. So what was trained stays as it was.
 * @param params trained weights of the smaller model
 * @param fresh first weights of the larger model: `model.init`, run by an engine
 * @throws ArgumentError for a weight that only one of them has; ShapeError or DTypeError for one that differs in more
 * than rows, or has fewer. The message names its path
 * @example
 * const more = (count: number) =>
 *   hypernetwork(nn.linear({ in: 2, out: 1 }), { code: codes.embeddings({ count, size: 8 }), head: heads.dense() });
 * const init = (count: number) => runOnce(referenceEngine(), more(count).init, random.keyArray(count));
 * const trained = await init(10); // or what train gave
 * const params = hyper.grow(trained, await init(11)); // params.code.table is [11, 8]
 */
export function grow<P>(params: unknown, fresh: P): P {
  const old = tree.flatten<NdArray>(params);
  const grown = tree.flatten<NdArray>(fresh);
  const lost = Object.keys(old).find((path) => !(path in grown));
  if (lost !== undefined) throw new ArgumentError(`grow: expected a larger model that has ${lost}, got none`);
  return tree.mapWithPath((now: NdArray, path) => grownArray(path, old[path], now), fresh) as P;
}

function grownArray(path: string, old: NdArray | undefined, fresh: NdArray): NdArray {
  if (old === undefined) throw new ArgumentError(`grow: expected trained weights with ${path}, got none`);
  if (old.dtype !== fresh.dtype) throw new DTypeError(`grow: expected ${path} to be ${old.dtype}, got ${fresh.dtype}`);
  const [rows = 0, ...rest] = old.shape;
  const [now = 0, ...inner] = fresh.shape;
  if (old.shape.length !== fresh.shape.length || !sameShape(rest, inner) || now < rows) {
    const expected = old.shape.length === 0 ? '[]' : `${showShape(old.shape)} or more rows`;
    throw new ShapeError(`grow: expected ${path} ${expected}, got ${showShape(fresh.shape)}`);
  }
  const data = fresh.data.slice();
  data.set(old.data);
  return { ...fresh, data };
}
