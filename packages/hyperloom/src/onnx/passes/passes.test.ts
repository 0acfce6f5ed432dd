import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import {
  type Aval,
  add,
  broadcastTo,
  constant,
  crossEntropy,
  exp,
  grad,
  matmul,
  maxPool,
  mean,
  mul,
  named,
  ndarray,
  type Program,
  pullback,
  random,
  reshape,
  scan,
  showProgram,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  trace,
  vmap,
} from '../../tensor/index.ts';
import { moveBroadcasts } from './broadcasts.ts';
import { dropDead } from './dead.ts';
import { foldConstants } from './fold.ts';
import { joinLoops } from './loops.ts';
import { optimize } from './optimize.ts';
import { share } from './share.ts';
import { simplify } from './simplify.ts';

const vector: Aval = { dtype: 'float32', shape: [3] };
const x = ndarray([0.5, -1, 2]);
const ops = (program: Program): string[] => program.nodes.map(({ op }) => op);

/** A pass must not change what a program computes. */
function same(before: Program, after: Program): void {
  const inputs = before.inputs.map(({ dtype, shape }, i) => {
    const data = Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, k) => Math.sin(k + i));
    return dtype === 'int32'
      ? ndarray(
          Int32Array.from(data, () => 1),
          shape,
        )
      : ndarray(Float32Array.from(data), shape);
  });
  const found = evaluate(after, inputs);
  evaluate(before, inputs).forEach((expected, i) => {
    expect(found[i]!.shape).toEqual(expected.shape);
    expected.data.forEach((value, k) => {
      expect(Math.abs(found[i]!.data[k]! - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
    });
  });
}

describe('passes', () => {
  test('dead code goes', () => {
    const { program } = trace((v: Tensor) => {
      exp(v);
      return mul(v, v);
    }, vector);
    const padded: Program = {
      ...program,
      nodes: [...program.nodes, { ...program.nodes[0]!, outputs: [{ id: 9, ...vector }] }],
    };
    expect(ops(dropDead(padded))).toEqual(['mul']);
  });

  test('equal operations are done once, whatever their layer and the order of their options', () => {
    const { program } = trace(
      (v: Tensor) =>
        add(
          named('a', () => exp(v)),
          named('b', () => exp(v)),
        ),
      vector,
    );
    expect(ops(share(program))).toEqual(['exp', 'add']);
    same(program, share(program));
  });

  test('0 and -0 are different constants', () => {
    const f = (v: Tensor) => [mul(v, constant(0)), mul(v, constant(-0))];
    expect(ops(share(trace(f, vector).program)).filter((op) => op === 'constant')).toHaveLength(2);
  });

  test('operations on constants are computed ahead, but not where that makes the program larger', () => {
    const { program } = trace((v: Tensor) => mul(v, exp(mul(constant([1, 2, 3]), 2))), vector);
    const folded = dropDead(foldConstants(program));
    expect(ops(folded)).toEqual(['constant', 'mul']);
    same(program, folded);
    const large = trace((v: Tensor) => add(v, sum(random.normal(random.key(1), [1000]))), vector).program;
    expect(ops(optimize(large))).toContain('threefry');
  });

  test('operations that change nothing go', () => {
    const { program } = trace((v: Tensor) => stopGradient(stopGradient(add(mul(v, 1), 0))), vector);
    const simple = optimize(program);
    expect(ops(simple)).toEqual([]);
    expect(simple.outputs[0]!.id).toBe(simple.inputs[0]!.id);
    same(program, simple);
  });

  test('one scale after another is one scale', () => {
    const { program } = trace((v: Tensor, s: Tensor) => mul(mul(v, s), 3), vector, { dtype: 'float32', shape: [] });
    const simple = optimize(program);
    expect(simple.nodes.map((node) => [node.op, node.outputs[0]!.shape])).toEqual([
      ['constant', []],
      ['mul', []],
      ['mul', [3]],
    ]);
    same(program, simple);
  });

  test('adding 0 of a larger shape is a broadcast, not nothing', () => {
    const { program } = trace((v: Tensor) => add(v, constant(ndarray(new Float32Array(6), [2, 3]))), vector);
    expect(simplify(program).outputs[0]!.id).not.toBe(0);
    same(program, optimize(program));
  });

  test('the gradients of a pool are added up without asking where they went', () => {
    const gradient = (v: Tensor, dy: Tensor) => pullback([maxPool(v, [2, 2], { strides: [2, 1] })], [dy], [v])[0]!;
    const image: Aval = { dtype: 'float32', shape: [2, 3, 4, 5] };
    const out: Aval = { dtype: 'float32', shape: [2, 3, 2, 4] };
    const sums = (axis: number[]) =>
      trace((v: Tensor, dy: Tensor) => sum(gradient(v, dy), { axis }), image, out).program;
    expect(ops(optimize(sums([0, 2, 3])))).toEqual(['reduceSum']);
    expect(ops(optimize(sums([0, 2])))).toEqual(['maxPoolGrad', 'reduceSum']);
    for (const axis of [
      [0, 2, 3],
      [2, 3],
      [0, 2],
    ])
      same(sums(axis), optimize(sums(axis)));
  });

  test('what is repeated is computed once and repeated after', () => {
    const f = (v: Tensor, w: Tensor) => sum(mul(exp(broadcastTo(v, [50, 3])), w), { axis: 0 });
    const { program } = trace(f, vector, { dtype: 'float32', shape: [50, 3] });
    const moved = dropDead(moveBroadcasts(program));
    expect(ops(moved)).toEqual(['exp', 'mul', 'reduceSum']);
    same(program, moved);
  });

  test('a sum over repeats is a multiple', () => {
    const { program } = trace((v: Tensor) => sum(broadcastTo(reshape(v, [3, 1]), [4, 3, 5]), { axis: [0, 1] }), vector);
    const moved = optimize(program);
    expect(ops(moved)).not.toContain('broadcastTo[4, 3, 5]');
    same(program, moved);
  });

  test('a product of a repeated stack is repeated after', () => {
    const f = (a: Tensor, b: Tensor) => matmul(broadcastTo(a, [4, 2, 3]), b);
    const { program } = trace(f, { dtype: 'float32', shape: [2, 3] }, { dtype: 'float32', shape: [3, 2] });
    same(program, optimize(program));
    same(program, moveBroadcasts(program));
  });

  test('a training step computes the same before and after all passes', () => {
    const net = (w: { a: Tensor; b: Tensor }, v: Tensor) => matmul(tanh(matmul(reshape(v, [1, 3]), w.a)), w.b);
    const loss = (w: { a: Tensor; b: Tensor }, vs: Tensor, labels: Tensor) =>
      mean(crossEntropy(reshape(vmap((v: Tensor) => net(w, v))(vs), [5, 4]), labels));
    const avals = [
      { a: { dtype: 'float32', shape: [3, 6] }, b: { dtype: 'float32', shape: [6, 4] } },
      { dtype: 'float32', shape: [5, 3] },
      { dtype: 'int32', shape: [5] },
    ] as const;
    const { program } = trace(grad(loss), ...avals);
    const fewer = optimize(program);
    expect(fewer.nodes.length).toBeLessThan(program.nodes.length);
    expect(fewer.nodes.filter(({ op }) => op === 'broadcastTo')).toEqual([]);
    same(program, fewer);
  });

  test('a program after the passes prints as one of ours', () => {
    expect(showProgram(optimize(trace((v: Tensor) => mul(mul(v, 1), 2), vector).program))).toMatchInlineSnapshot(`
      "program(%0 arg0: float32[3])
        %1: float32[] = constant value=2
        %2: float32[3] = mul %0 %1
        return %2 out0"
    `);
  });

  test('values are numbered in order', () => {
    const { program } = trace((v: Tensor) => mul(add(v, 0), 2), vector);
    const ids = optimize(program).nodes.flatMap(({ outputs }) => outputs.map(({ id }) => id));
    expect(ids).toEqual(ids.map((_, i) => i + 1));
    expect(evaluate(optimize(program), [x])[0]!.data).toEqual(Float64Array.of(1, -2, 4));
  });

  test('loops that go around alike run as one, whatever they give', () => {
    const f = (v: Tensor, w: Tensor) => {
      const step = (h: Tensor, x: Tensor) => [tanh(add(h, x)), mul(h, x)] as const;
      const other = (h: Tensor, x: Tensor) => {
        const next = tanh(add(h, x));
        return [next, exp(next)] as const;
      };
      const start = constant(0);
      return [scan(step, start, v), scan(other, start, v), scan(step, start, w)];
    };
    const { program } = trace(f, vector, vector);
    const joined = optimize(program);
    expect(ops(joined).filter((op) => op === 'scan')).toHaveLength(2);
    same(program, joined);
  });

  test('a loop that reads what another gives runs after it', () => {
    const f = (v: Tensor) => {
      const step = (h: Tensor, { x, y }: { x: Tensor; y: Tensor }) => [tanh(add(h, x)), mul(h, y)] as const;
      // Checkpoints keep in the loop what is not carried too.
      const [, ys] = scan(step, constant(0), { x: v, y: v }, { checkpoint: 1 });
      return scan(step, constant(0), { x: v, y: ys }, { checkpoint: 1 });
    };
    const { program } = trace(f, vector);
    expect(ops(joinLoops(program)).filter((op) => op === 'scan')).toHaveLength(2);
    same(program, optimize(program));
  });

  test('loops join in groups: those that read what an earlier group gives are a group of their own', () => {
    type Step = (h: Tensor, x: { readonly x: Tensor; readonly y: Tensor }) => readonly [Tensor, Tensor];
    const f = (v: Tensor) => {
      const product: Step = (h, { x: own, y }) => [tanh(add(h, own)), mul(h, y)];
      const power: Step = (h, { x: own, y }) => [tanh(add(h, own)), exp(mul(h, y))];
      const run = (step: Step, y: Tensor) => scan(step, constant(0), { x: v, y }, { checkpoint: 1 });
      const [first, second] = [run(product, v), run(power, v)];
      return [first, second, run(product, second[1])];
    };
    const { program } = trace(f, vector);
    expect(ops(joinLoops(program)).filter((op) => op === 'scan')).toHaveLength(2);
    same(program, optimize(program));
  });

  test('loops give no more than is read of them, and their bodies are simplified', () => {
    const f = (v: Tensor) => {
      const step = ({ a, b }: { a: Tensor; b: Tensor }, x: Tensor) =>
        [
          { a: mul(add(a, x), 1), b: add(b, tanh(b)) },
          { y: exp(a), z: b },
        ] as const;
      return scan(step, { a: constant(0), b: constant(0) }, v)[0].a;
    };
    const { program } = trace(f, vector);
    const trimmed = optimize(program);
    const loop = trimmed.nodes.find(({ op }) => op === 'scan')!;
    expect(loop.outputs).toHaveLength(1);
    expect(ops(loop.attrs.body as Program)).toEqual(['add']);
    same(program, trimmed);
  });
});
