import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeRuntime } from '../engine/ort/index.ts';
import { evaluate } from '../engine/reference/index.ts';
import { ndarray, reshape, type Shape, sizeOf, type Tensor, trace, transpose } from '../tensor/index.ts';
import { Builder } from './builder.ts';
import { encodeModel, type Graph } from './proto.ts';

const runtime = await nodeRuntime();

/** What a graph of one input x and one output y gives. */
async function run(graph: Graph, shape: Shape, data: Float32Array, threads: number): Promise<number[]> {
  const { InferenceSession, Tensor: OrtTensor } = runtime.module;
  const session = await InferenceSession.create(encodeModel(graph), {
    ...runtime.session,
    logSeverityLevel: 3,
    intraOpNumThreads: threads,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  try {
    const { y } = await session.run({ x: new OrtTensor('float32', data, [...shape]) });
    expect(y!.dims).toEqual(graph.outputs[0]!.shape);
    return Array.from(y!.data as Float32Array);
  } finally {
    await session.release();
  }
}

/** x [from] as `view`, its axes in another order, as `to`. */
function rearranged(from: Shape, view: Shape, perm: readonly number[], to: Shape): Graph {
  const b = new Builder(['x', 'y']);
  b.alias(b.rearrange('x', from, view, perm, to), 'y');
  return b.graph([{ name: 'x', dtype: 'float32', shape: from }], [{ name: 'y', dtype: 'float32', shape: to }]);
}

/** Shapes of up to six axes, some of one element and the first now and then of many, and an order of the axes. */
const orders = fc
  .tuple(fc.constantFrom(1, 2, 16, 17, 33), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }))
  .map(([first, rest]) => [first, ...rest])
  .chain((view) =>
    fc.record({
      view: fc.constant(view),
      perm: fc.shuffledSubarray([...view.keys()], { minLength: view.length }),
      isFlat: fc.tuple(fc.boolean(), fc.boolean()),
    }),
  );

const permsOf = (rank: number): number[][] =>
  rank === 0
    ? [[]]
    : permsOf(rank - 1).flatMap((p) => Array.from({ length: rank }, (_, i) => p.toSpliced(i, 0, rank - 1)));

/** Holds what ONNX Runtime gives on one thread and two against the definition. */
async function holds(view: Shape, perm: readonly number[], isFlat: readonly boolean[] = []): Promise<void> {
  const turned = perm.map((axis) => view[axis]!);
  const flat = [sizeOf(view)];
  const [from, to] = [isFlat[0] ? flat : view, isFlat[1] ? flat : turned];
  const x = ndarray(
    Float32Array.from({ length: sizeOf(view) }, (_, i) => i),
    from,
  );
  const { program } = trace((v: Tensor) => reshape(transpose(reshape(v, view), perm), to), x);
  const expected = Array.from(evaluate(program, [x])[0]!.data as Float32Array);
  const graph = rearranged(from, view, perm, to);
  for (const threads of [1, 2]) expect(await run(graph, from, x.data as Float32Array, threads)).toEqual(expected);
}

describe('rearrange', () => {
  test('gives what the definition gives, for any order of axes', async () => {
    const property = fc.asyncProperty(orders, ({ view, perm, isFlat }) => holds(view, perm, isFlat));
    await fc.assert(property, { seed: 3, numRuns: 150 });
  });

  test.each([2, 16])('%i examples: every order of four axes is that of the definition', async (examples) => {
    for (const perm of permsOf(4)) await holds([examples, 3, 4, 5], perm);
  });

  test('of several axes that go elsewhere, each moves on its own; those of many examples move as rows', () => {
    const moves = (examples: number, perm: readonly number[]) => {
      const view = [examples, 3, 4, 5];
      const graph = rearranged(
        view,
        view,
        perm,
        perm.map((axis) => view[axis]!),
      );
      return graph.nodes.filter(({ type }) => type === 'Transpose').map(({ attrs }) => attrs.perm);
    };
    expect(moves(2, [0, 3, 2, 1])).toEqual([
      [0, 2, 1],
      [0, 2, 1],
    ]);
    expect(moves(16, [0, 3, 2, 1])).toEqual([
      [1, 0],
      [2, 1, 0, 3],
      [1, 0],
    ]);
    expect(moves(2, [3, 2, 1, 0])).toEqual([[3, 2, 1, 0]]);
    expect(moves(2, [2, 1, 0, 3])).toEqual([[2, 1, 0, 3]]);
  });
});
