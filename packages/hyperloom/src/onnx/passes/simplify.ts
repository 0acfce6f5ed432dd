import {
  type Attr,
  isFloat,
  type NdArray,
  type Program,
  type ProgramNode,
  type Shape,
  sameShape,
  type ValueId,
} from '../../tensor/index.ts';
import { type Rewriting, rewrite } from './rewrite.ts';

/** The number that all elements of a value are, if that is known. */
function splat(id: ValueId, to: Rewriting): number | undefined {
  const source = to.source(id);
  if (source?.op === 'broadcastTo') return splat(source.inputs[0] as ValueId, to);
  if (source?.op !== 'constant') return undefined;
  const { data } = source.attrs.value as NdArray;
  return data.length > 0 && data.length <= 64 && data.every((x) => x === data[0]) ? data[0] : undefined;
}

/** The input that an operation gives back unchanged, if there is one. */
function unchanged({ op, inputs, outputs }: ProgramNode, to: Rewriting): ValueId | undefined {
  const [x, y] = inputs as [ValueId, ValueId];
  const keeps = (id: ValueId) =>
    sameShape(to.aval(id).shape, outputs[0]!.shape) && to.aval(id).dtype === outputs[0]!.dtype;
  const is = (id: ValueId, number: number) => splat(id, to) === number;
  switch (op) {
    case 'identity':
    case 'stopGradient':
    case 'batchMean':
      return x;
    case 'reshape':
    case 'broadcastTo':
    case 'cast':
      return keeps(x) ? x : undefined;
    case 'mul':
      if (keeps(x) && is(y, 1)) return x;
      return keeps(y) && is(x, 1) ? y : undefined;
    case 'add':
      if (keeps(x) && is(y, 0)) return x;
      return keeps(y) && is(x, 0) ? y : undefined;
    case 'div':
    case 'pow':
      return keeps(x) && is(y, 1) ? x : undefined;
    case 'sub':
      return keeps(x) && is(y, 0) ? x : undefined;
    case 'neg': {
      const source = to.source(x);
      return source?.op === 'neg' ? source.inputs[0] : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether a value is one number that meets anything without changing its shape. */
const isNumber = (id: ValueId, to: Rewriting): boolean => to.aval(id).shape.length === 0;

/** A product of many numbers by two, one after the other, as their product by the product of the two. */
function scaledOnce(inputs: readonly ValueId[], to: Rewriting): readonly ValueId[] | undefined {
  const last = inputs.find((id) => isNumber(id, to));
  const scaled = inputs.find((id) => !isNumber(id, to));
  const inner = scaled === undefined ? undefined : to.source(scaled);
  if (last === undefined || inner?.op !== 'mul') return undefined;
  const first = inner.inputs.find((id) => isNumber(id, to));
  const many = inner.inputs.find((id) => !isNumber(id, to));
  if (first === undefined || many === undefined) return undefined;
  const [both] = to.emit('mul', [first, last], {});
  return to.emit('mul', [many, both as ValueId], {});
}

/** Whether axes hold all places of [N, C, ...places]. */
const overPlaces = (axes: Attr | undefined, shape: Shape): boolean =>
  shape.slice(2).every((_, i) => (axes as readonly number[]).includes(i + 2));

/** A cheaper operation for the same value, if there is one. */
function cheaper({ op, inputs, outputs, attrs }: ProgramNode, to: Rewriting): readonly ValueId[] | undefined {
  const [x, y] = inputs as [ValueId, ValueId];
  const source = to.source(x);
  // Squares are products: a power takes an exponential and a logarithm.
  if (op === 'pow' && splat(y, to) === 2 && sameShape(to.aval(x).shape, outputs[0]!.shape))
    return to.emit('mul', [x, x], {});
  if (op === 'sub' && to.source(y)?.op === 'neg' && isFloat(outputs[0]!.dtype))
    return to.emit('add', [x, to.source(y)!.inputs[0] as ValueId], {});
  if (op === 'add' && to.source(y)?.op === 'neg' && isFloat(outputs[0]!.dtype))
    return to.emit('sub', [x, to.source(y)!.inputs[0] as ValueId], {});
  if (op === 'mul' && isFloat(outputs[0]!.dtype)) return scaledOnce(inputs, to);
  // Each gradient of a pool goes to one element of its window, whichever: sums over all places need not ask which.
  if (op === 'reduceSum' && source?.op === 'maxPoolGrad' && overPlaces(attrs.axes, to.aval(x).shape))
    return to.emit('reduceSum', [source.inputs[1] as ValueId], attrs);
  if (op === 'reshape' && source?.op === 'reshape') return to.emit('reshape', [source.inputs[0] as ValueId], attrs);
  return undefined;
}

/** The program without operations that change nothing, and with cheap operations for dear ones of the same value. */
export const simplify = (program: Program): Program =>
  rewrite(program, (node, to) => {
    const same = unchanged(node, to);
    return same === undefined ? cheaper(node, to) : [same];
  });
