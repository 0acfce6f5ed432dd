import type { Attr, Program, ProgramNode, ScanAttrs, ValueId } from '../../tensor/index.ts';
import { rewrite } from './rewrite.ts';
import { asText, share } from './share.ts';

/** A scan with fewer or more outputs than it was traced with. */
interface Loop {
  readonly inputs: readonly ValueId[];
  readonly attrs: ScanAttrs;
}

const isScan = ({ op }: ProgramNode): boolean => op === 'scan';

const loopOf = ({ inputs, attrs }: ProgramNode): Loop => ({ inputs, attrs: attrs as ScanAttrs });

/** A loop with no more than what gives some of its outputs; says which outputs are left. */
function trimmed({ inputs, attrs }: Loop, wanted: Iterable<number>): Loop & { readonly kept: readonly number[] } {
  const { body, fixed, carries } = attrs;
  const kept = new Set(wanted);
  const live = new Set<ValueId>();
  // A carry is needed where its value at the start of a step is.
  for (let before = -1; before !== kept.size; ) {
    before = kept.size;
    for (const i of kept) live.add(body.outputs[i]!.id);
    for (const node of body.nodes.toReversed())
      if (node.outputs.some(({ id }) => live.has(id))) for (const id of node.inputs) live.add(id);
    for (let i = 0; i < carries; i++) if (live.has(body.inputs[fixed + i]!.id)) kept.add(i);
  }
  const isCarry = (i: number): boolean => i >= fixed && i < fixed + carries;
  const isRead = (i: number): boolean => (isCarry(i) ? kept.has(i - fixed) : live.has(body.inputs[i]!.id));
  const order = body.outputs.map((_, i) => i).filter((i) => kept.has(i));
  return {
    inputs: inputs.filter((_, i) => isRead(i)),
    attrs: {
      ...attrs,
      body: rewrite(
        {
          inputs: body.inputs.filter((_, i) => isRead(i)),
          nodes: body.nodes.filter((node) => node.outputs.some(({ id }) => live.has(id))),
          outputs: order.map((i) => body.outputs[i]!),
        },
        () => undefined,
      ),
      fixed: inputs.slice(0, fixed).filter((_, i) => isRead(i)).length,
      carries: order.filter((i) => i < carries).length,
    },
    kept: order,
  };
}

/** The program whose loops give only what is read of them. */
export function trimLoops(program: Program): Program {
  if (!program.nodes.some(isScan)) return program;
  const read = new Set<ValueId>([
    ...program.outputs.map(({ id }) => id),
    ...program.nodes.flatMap(({ inputs }) => inputs),
  ]);
  let at = 0;
  return rewrite(program, (node, to) => {
    const original = program.nodes[at++] as ProgramNode;
    if (!isScan(node)) return undefined;
    const wanted = original.outputs.flatMap(({ id }, i) => (read.has(id) ? [i] : []));
    const { inputs, attrs, kept } = trimmed(loopOf(node), wanted);
    const results = to.emit('scan', inputs, attrs);
    return original.outputs.map((_, i) => results[kept.indexOf(i)] as ValueId);
  });
}

/** Loops that go around in the same way, as one: the outputs of the first, and then those of the steps of the second. */
function joined(a: Loop, b: Loop): Loop {
  const { carries, body } = a.attrs;
  const first = partsOf(a);
  const second = partsOf(b);
  // Values of the second body are numbered behind those of the first, but for what both are given.
  const size = body.inputs.length + body.nodes.reduce((n, { outputs }) => n + outputs.length, 0);
  const ids = new Map<ValueId, ValueId>(second.carry.map(({ inner }, i) => [inner.id, first.carry[i]!.inner.id]));
  const idOf = (id: ValueId): ValueId => ids.get(id) ?? size + id;
  const both = (mine: readonly Given[], theirs: readonly Given[]): Given[] => [
    ...mine,
    ...theirs.flatMap(({ outer, inner }) => {
      const same = mine.find((own) => own.outer === outer);
      if (same) ids.set(inner.id, same.inner.id);
      return same ? [] : [{ outer, inner: { ...inner, id: size + inner.id } }];
    }),
  ];
  const fixed = both(first.fixed, second.fixed);
  const given = [...fixed, ...first.carry, ...both(first.all, second.all)];
  const moved = b.attrs.body.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(idOf),
    outputs: node.outputs.map((output) => ({ ...output, id: idOf(output.id) })),
  }));
  const outputs = b.attrs.body.outputs.slice(carries).map((output) => ({ ...output, id: idOf(output.id) }));
  return {
    inputs: given.map(({ outer }) => outer),
    attrs: {
      ...a.attrs,
      fixed: fixed.length,
      body: share({
        inputs: given.map(({ inner }) => inner),
        nodes: [...body.nodes, ...moved],
        outputs: [...body.outputs, ...outputs],
      }),
    },
  };
}

/** An input of a loop: the value around it, and what the body calls it. */
interface Given {
  readonly outer: ValueId;
  readonly inner: Program['inputs'][number];
}

function partsOf({ inputs, attrs: { body, fixed, carries } }: Loop): Record<'fixed' | 'carry' | 'all', Given[]> {
  const given = inputs.map((outer, i) => ({ outer, inner: body.inputs[i]! }));
  return {
    fixed: given.slice(0, fixed),
    carry: given.slice(fixed, fixed + carries),
    all: given.slice(fixed + carries),
  };
}

/** What goes around in a loop, as text: the same for loops that differ in the outputs of their steps alone. */
function way(loop: Loop): string {
  const { carries } = loop.attrs;
  const { inputs, attrs } = trimmed(
    loop,
    Array.from({ length: carries }, (_, i) => i),
  );
  const { body, ...rest } = attrs;
  const plain = {
    ...body,
    inputs: body.inputs.length,
    nodes: body.nodes.map(({ scope: _, ...node }) => node),
    outputs: body.outputs.map(({ id }) => id),
  };
  return `${inputs.join()} ${asText({ ...rest, body: plain } as unknown as Attr)}`;
}

/**
 * The program with loops that go around in the same way run as one. A gradient asks for values of the steps forward by a
 * loop of its own, which is the loop of the first pass with more outputs.
 */
export function joinLoops(program: Program): Program {
  if (program.nodes.filter(isScan).length < 2) return program;
  const { inputs, nodes, outputs } = share(program);
  type Leader = { readonly at: number; loop: Loop; outputs: ProgramNode['outputs'] };
  const leaders = new Map<string, Leader>();
  const joins = new Map<number, Leader>();
  const followers = new Set<ProgramNode>();
  /** Last carries of loops that are no more, and those that are the same. */
  const same = new Map<ValueId, ValueId>();
  nodes.forEach((node, at) => {
    if (!isScan(node)) return;
    const own = loopOf(node);
    const key = way(own);
    const leader = leaders.get(key);
    // All that the second reads must be there before the first.
    if (leader === undefined || own.inputs.some((id) => id >= nodes[leader.at]!.outputs[0]!.id)) {
      const first = { at, loop: own, outputs: node.outputs };
      leaders.set(key, first);
      joins.set(at, first);
      return;
    }
    const { carries } = own.attrs;
    for (let i = 0; i < carries; i++) same.set(node.outputs[i]!.id, leader.outputs[i]!.id);
    leader.loop = joined(leader.loop, own);
    leader.outputs = [...leader.outputs, ...node.outputs.slice(carries)];
    followers.add(node);
  });
  const sameId = (id: ValueId): ValueId => same.get(id) ?? id;
  return rewrite(
    {
      inputs,
      nodes: nodes.flatMap((node, at): ProgramNode[] => {
        const leader = joins.get(at);
        const own = leader
          ? { ...node, inputs: leader.loop.inputs, attrs: leader.loop.attrs, outputs: leader.outputs }
          : node;
        return followers.has(node) ? [] : [{ ...own, inputs: own.inputs.map(sameId) }];
      }),
      outputs: outputs.map((output) => ({ ...output, id: sameId(output.id) })),
    },
    () => undefined,
  );
}

/** The program with every loop's body after the passes. */
export const optimizeBodies = (program: Program, optimize: (body: Program) => Program): Program =>
  rewrite(program, (node, to) => {
    if (!isScan(node)) return undefined;
    const { inputs, attrs } = loopOf(node);
    return to.emit('scan', inputs, { ...attrs, body: optimize(attrs.body) });
  });
