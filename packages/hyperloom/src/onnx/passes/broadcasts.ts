import {
  type Aval,
  allocate,
  broadcastShapes,
  type OpName,
  type Program,
  type ProgramNode,
  type Shape,
  sameShape,
  sizeOf,
  type ValueId,
} from '../../tensor/index.ts';
import { type Rewriting, rewrite } from './rewrite.ts';

/** Operations that map each element on its own. */
const elementwise: ReadonlySet<OpName> = new Set([
  'neg',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sqrt',
  'rsqrt',
  'tanh',
  'sigmoid',
  'sin',
  'cos',
  'erf',
  'floor',
  'abs',
  'sign',
  'relu',
  'clip',
  'not',
  'cast',
  'shiftRight',
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
  'and',
  'or',
  'where',
]);

/** The value that a broadcast repeats, or the value itself. */
function repeated(id: ValueId, to: Rewriting): ValueId {
  const source = to.source(id);
  return source?.op === 'broadcastTo' ? repeated(source.inputs[0] as ValueId, to) : id;
}

const shapeOf = (id: ValueId, to: Rewriting): Shape => to.aval(id).shape;

const jointOf = (ids: readonly ValueId[], to: Rewriting): Shape =>
  ids.reduce<Shape>((shape, id) => broadcastShapes(shape, shapeOf(id, to)) as Shape, []);

/** Elementwise operations broadcast by themselves; what is repeated in all inputs is computed once and repeated after. */
function afterElementwise({ op, inputs, attrs, outputs }: ProgramNode, to: Rewriting): readonly ValueId[] | undefined {
  const small = inputs.map((id) => repeated(id, to));
  if (small.every((id, i) => id === inputs[i])) return undefined;
  const { shape } = outputs[0] as Aval;
  const [result] = to.emit(op, small, attrs) as [ValueId];
  return sameShape(jointOf(small, to), shape) ? [result] : to.emit('broadcastTo', [result], { shape });
}

/** A sum over repeated elements is a multiple of the element. */
function afterSum({ inputs: [x], attrs, outputs: [y] }: ProgramNode, to: Rewriting): readonly ValueId[] | undefined {
  const small = repeated(x as ValueId, to);
  if (small === x) return undefined;
  const { axes, keepDims } = attrs as { axes: readonly number[]; keepDims: boolean };
  const full = shapeOf(x as ValueId, to);
  const own = shapeOf(small, to);
  const padded = [...new Array<number>(full.length - own.length).fill(1), ...own];
  const times = sizeOf(axes.filter((axis) => padded[axis] === 1).map((axis) => full[axis] as number));
  const rest = axes.filter((axis) => padded[axis] !== 1);
  const [same] = to.emit('reshape', [small], { shape: padded });
  const [sum] = rest.length === 0 ? [same] : to.emit('reduceSum', [same as ValueId], { axes: rest, keepDims: true });
  const kept = shapeOf(sum as ValueId, to);
  const shape = keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis));
  const [view] = to.emit('reshape', [sum as ValueId], { shape });
  const { dtype } = y as Aval;
  const data = allocate(dtype, 1);
  data[0] = times;
  const [factor] = to.emit('constant', [], { value: { dtype, shape: [], data } });
  const [total] = to.emit('mul', [view as ValueId, factor as ValueId], {});
  return to.emit('broadcastTo', [total as ValueId], { shape: (y as Aval).shape });
}

/** Repeating one number under one shape is repeating it under another. */
function afterReshape({ inputs: [x], outputs: [y] }: ProgramNode, to: Rewriting): readonly ValueId[] | undefined {
  const small = repeated(x as ValueId, to);
  if (small === x || sizeOf(shapeOf(small, to)) !== 1) return undefined;
  const [scalar] = to.emit('reshape', [small], { shape: [] });
  return to.emit('broadcastTo', [scalar as ValueId], { shape: (y as Aval).shape });
}

/** Products broadcast their leading axes by themselves. */
function afterMatmul({ inputs, outputs: [y] }: ProgramNode, to: Rewriting): readonly ValueId[] | undefined {
  let changed = false;
  const small = inputs.map((id) => {
    const source = repeated(id, to);
    const matrix = (shape: Shape) => shape.slice(-2);
    const fits =
      source !== id &&
      shapeOf(source, to).length >= 2 &&
      sameShape(matrix(shapeOf(source, to)), matrix(shapeOf(id, to)));
    changed ||= fits;
    return fits ? source : id;
  });
  if (!changed) return undefined;
  const stack = small.reduce<Shape>((shape, id) => broadcastShapes(shape, shapeOf(id, to).slice(0, -2)) as Shape, []);
  const [product] = to.emit('matmul', small, {});
  const { shape } = y as Aval;
  return sameShape(stack, shape.slice(0, -2))
    ? [product as ValueId]
    : to.emit('broadcastTo', [product as ValueId], { shape });
}

/**
 * The program with broadcasts moved behind the operations that can do without them, so that as few as possible are
 * ever written out.
 */
export const moveBroadcasts = (program: Program): Program =>
  rewrite(program, (node, to) => {
    if (elementwise.has(node.op)) return afterElementwise(node, to);
    if (node.op === 'reduceSum') return afterSum(node, to);
    if (node.op === 'reshape') return afterReshape(node, to);
    if (node.op === 'matmul') return afterMatmul(node, to);
    if (node.op === 'broadcastTo') {
      const small = repeated(node.inputs[0] as ValueId, to);
      return small === node.inputs[0] ? undefined : to.emit('broadcastTo', [small], node.attrs);
    }
    return undefined;
  });
