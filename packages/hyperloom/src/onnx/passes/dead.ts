import type { Program, ProgramNode, ValueId } from '../../tensor/index.ts';
import { rewrite } from './rewrite.ts';

/** The program without the operations that no output needs. */
export function dropDead(program: Program): Program {
  const needed = new Set<ValueId>(program.outputs.map(({ id }) => id));
  const live: ProgramNode[] = [];
  for (const node of program.nodes.toReversed()) {
    if (!node.outputs.some(({ id }) => needed.has(id))) continue;
    for (const id of node.inputs) needed.add(id);
    live.push(node);
  }
  return live.length === program.nodes.length
    ? program
    : rewrite({ ...program, nodes: live.reverse() }, () => undefined);
}
