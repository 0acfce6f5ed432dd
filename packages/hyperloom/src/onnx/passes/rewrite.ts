import {
  type Attrs,
  type Aval,
  type Op,
  type OpName,
  ops,
  type Program,
  type ProgramNode,
  type ValueId,
} from '../../tensor/index.ts';

/** A program being rebuilt: what is known of its values, and a way to add operations. */
export interface Rewriting {
  /** Type and shape of a value. */
  aval(id: ValueId): Aval;
  /** The operation that gives a value; undefined for inputs. */
  source(id: ValueId): ProgramNode | undefined;
  /** Adds an operation in the scope of the one being rewritten, and gives its results. */
  emit(op: OpName, inputs: readonly ValueId[], attrs: Attrs): readonly ValueId[];
}

/**
 * Decides what becomes of one operation. Its inputs are values of the new program; the answer is the values to use for
 * its outputs, or undefined to keep it as it is.
 */
export type Rule = (node: ProgramNode, to: Rewriting) => readonly ValueId[] | undefined;

/** Rebuilds a program operation by operation. Values are numbered anew, in order. */
export function rewrite({ inputs, nodes, outputs }: Program, rule: Rule): Program {
  const ids = new Map<ValueId, ValueId>(inputs.map(({ id }, i) => [id, i]));
  const avals: Aval[] = [...inputs];
  const sources: (ProgramNode | undefined)[] = inputs.map(() => undefined);
  const kept: ProgramNode[] = [];
  let scope = '';
  const keep = (node: Omit<ProgramNode, 'outputs'>, types: readonly Aval[]): readonly ValueId[] => {
    const made = { ...node, outputs: types.map(({ dtype, shape }, i) => ({ id: avals.length + i, dtype, shape })) };
    kept.push(made);
    for (const output of made.outputs) {
      avals.push(output);
      sources.push(made);
    }
    return made.outputs.map(({ id }) => id);
  };
  const to: Rewriting = {
    aval: (id) => avals[id] as Aval,
    source: (id) => sources[id],
    emit: (op, from, attrs) => {
      const types = (ops[op] as Op).infer(
        from.map((id) => avals[id] as Aval),
        attrs,
      );
      return keep({ op, inputs: from, attrs, scope }, types);
    },
  };
  for (const original of nodes) {
    ({ scope } = original);
    const node = { ...original, inputs: original.inputs.map((id) => ids.get(id) as ValueId) };
    const results = rule(node, to) ?? keep(node, node.outputs);
    node.outputs.forEach(({ id }, i) => {
      ids.set(id, results[i] as ValueId);
    });
  }
  return {
    inputs: inputs.map((input, id) => ({ ...input, id })),
    nodes: kept,
    outputs: outputs.map(({ id, name }) => ({ id: ids.get(id) as ValueId, name })),
  };
}
