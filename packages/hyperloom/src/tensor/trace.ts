import type { DType } from './dtype.ts';
import { ArgumentError } from './errors.ts';
import type { OpName } from './ops/index.ts';
import type { Program, ProgramNode, ValueId } from './program.ts';
import type { Aval } from './shape.ts';
import { inputOp, type Node, type Op, placeholder, Tensor } from './tensor.ts';
import * as tree from './tree.ts';

/** A traced function: its program and the form of its result. */
export interface Traced<R> {
  readonly program: Program;
  /** The result with each tensor's type and shape; leaves stand in the order of the program's outputs. */
  readonly output: tree.Mapped<R, Tensor, Aval>;
}

/**
 * Records what a function does to tensors as a program.
 * @param f a pure function of trees of tensors
 * @param args for each argument, a tree of `{ dtype, shape }`
 * @throws ArgumentError when a result is no tensor or comes from another trace
 * @example
 * const { program } = trace((x: Tensor) => mul(x, 2), { dtype: 'float32', shape: [3] });
 * console.log(showProgram(program));
 */
export function trace<R>(f: (...args: never[]) => R, ...args: readonly unknown[]): Traced<R> {
  const symbols = args.map((arg) => tree.map((aval: Aval) => placeholder(checkAval(aval)), arg));
  const result = f(...(symbols as never[]));
  const outputs = tree.leaves<Tensor>(result);
  const odd = outputs.find((t: unknown) => !(t instanceof Tensor));
  if (odd !== undefined) throw new ArgumentError(`trace: expected tensors as results, got ${typeof odd}`);
  const program = toProgram(tree.leaves<Tensor>(symbols), outputs, inputNames(args), tree.paths(result));
  return {
    program,
    output: tree.map((t: Tensor): Aval => ({ dtype: t.dtype, shape: t.shape }), result) as tree.Mapped<R, Tensor, Aval>,
  };
}

function checkAval(aval: unknown): Aval {
  if (!tree.isLeaf(aval) || typeof aval !== 'object')
    throw new ArgumentError(`trace: expected trees of { dtype, shape } as arguments, got ${String(aval)}`);
  return aval as Aval;
}

/** The paths of the leaves; a path that an earlier argument has too gets the argument's position in front. */
function inputNames(args: readonly unknown[]): string[] {
  const taken = new Set<string>();
  return args.flatMap((arg, i) =>
    tree.paths(arg).map((path) => {
      const name = path === '' ? `arg${i}` : taken.has(path) ? `arg${i}.${path}` : path;
      taken.add(name);
      return name;
    }),
  );
}

/** Every node that the given tensors are computed from, in an order in which they can run; none made before node `from`. */
export function ancestors(tensors: readonly Tensor[], from = -1): Node[] {
  const seen = new Set<Node>();
  const pending = tensors.map((t) => t.node);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node) || node.id < from) continue;
    seen.add(node);
    for (const input of node.inputs) pending.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** The program that computes `outputs` from `inputs`. */
export function toProgram(
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  names: readonly string[] = [],
  outputNames: readonly string[] = [],
): Program {
  const ids = new Map<Node, ValueId[]>();
  let next = 0;
  for (const input of inputs) ids.set(input.node, [next++]);
  const idOf = (t: Tensor): ValueId => ids.get(t.node)![t.index]!;
  const nodes: ProgramNode[] = [];
  for (const node of ancestors(outputs)) {
    if (ids.has(node)) continue;
    if (node.op === (inputOp as Op))
      throw new ArgumentError(
        'trace: expected tensors made inside the function or passed to it, got one of another trace',
      );
    if (node.op.name === 'identity') {
      ids.set(node, [idOf(node.inputs[0]!)]);
      continue;
    }
    const own = node.outputs.map(() => next++);
    ids.set(node, own);
    nodes.push({
      op: node.op.name as OpName,
      inputs: node.inputs.map(idOf),
      attrs: node.attrs,
      outputs: node.outputs.map((aval, i) => ({ id: own[i]!, ...aval })),
      scope: node.scope,
    });
  }
  const aval = ({ dtype, shape }: { dtype: DType; shape: readonly number[] }) => ({ dtype, shape });
  return {
    inputs: inputs.map((t, id) => ({ id, name: names[id] ?? `arg${id}`, ...aval(t) })),
    nodes,
    outputs: outputs.map((t, i) => ({ id: idOf(t), name: outputNames[i] || `out${i}` })),
  };
}
