import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { optimize } from '../onnx/passes/optimize.ts';
import { programCost } from './cost.ts';
import { grad } from './grad.ts';
import { add, mul } from './ops/arithmetic.ts';
import { reshape } from './ops/broadcast.ts';
import { cast } from './ops/cast.ts';
import { greater, not, where } from './ops/compare.ts';
import { stack } from './ops/join.ts';
import { sigmoid, sin, tanh } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { sum } from './ops/reduce.ts';
import type { ScanAttrs } from './ops/scan.ts';
import { slice } from './ops/slice.ts';
import type { Program } from './program.ts';
import { scan } from './scan.ts';
import { constant, type Tensor } from './tensor.ts';
import { distance, f64, numbers } from './testing.ts';
import { trace } from './trace.ts';
import * as tree from './tree.ts';
import { vmap } from './vmap.ts';

/*
 * Loops of every form against the same steps one by one: short and long, backwards, masked, with checkpoints of any
 * size, with carries of every type, and differentiated, vectorised over any of their inputs, and inside one another.
 */

interface Inputs {
  readonly w: Tensor;
  readonly h: Tensor;
  readonly x: Tensor;
  readonly on: Tensor;
}

interface State {
  readonly h: Tensor;
  readonly count: Tensor;
  readonly odd: Tensor;
}

type Step<C, Y> = (carry: C, x: Tensor) => readonly [C, Y];

interface Form {
  readonly reverse: boolean;
  readonly masked: boolean;
  readonly checkpoint: number | undefined;
}

type Loop = <C, Y>(step: Step<C, Y>, start: C, xs: Tensor, on: Tensor | undefined, form: Form) => [C, Y];

const byScan: Loop = (step, start, xs, on, { reverse, checkpoint }) =>
  scan(step, start, xs, { reverse, ...(on && { mask: on }), ...(checkpoint !== undefined && { checkpoint }) });

const byHand: Loop = <C, Y>(
  step: Step<C, Y>,
  start: C,
  xs: Tensor,
  on: Tensor | undefined,
  { reverse }: Form,
): [C, Y] => {
  const at = (t: Tensor, i: number) => reshape(slice(t, [[i, i + 1]]), t.shape.slice(1));
  const order = [...Array(xs.shape[0]!).keys()];
  if (reverse) order.reverse();
  const ys: Y[] = [];
  let carry = start;
  for (const i of order) {
    const [next, y] = step(carry, at(xs, i));
    const here = on && at(on, i);
    carry = here ? (tree.map((a: Tensor, b: Tensor) => where(here, a, b), next, carry) as C) : next;
    ys[i] = here ? (tree.map((t: Tensor) => where(here, t, 0), y) as Y) : y;
  }
  return [carry, tree.map((_: Tensor, ...all: Tensor[]) => stack(all), ys[0], ...ys) as Y];
};

/** Carries of three types; values of the step, of weights alone, of both, and known factors before and after a carry. */
const cell = (w: Tensor) => (state: State, x: Tensor) => {
  const { h, count, odd } = state;
  const row = reshape(matmul(reshape(h, [1, -1]), w), h.shape);
  // The loop is given w, and what is made of w too.
  const z = add(add(row, mul(tanh(sum(w, { axis: 0 })), h)), mul(x, sigmoid(h)));
  const next = where(odd, tanh(z), mul(mul(sin(z), x), sin(mul(x, sum(w)))));
  const more = { h: next, count: add(count, where(odd, constant(1, 'int32'), constant(2, 'int32'))), odd: not(odd) };
  return [
    more,
    { y: mul(next, cast(count, 'float64')), seen: mul(sin(x), 2), bit: greater(sum(x), 0), count },
  ] as const;
};

const forward = (loop: Loop, form: Form) => (a: Inputs) => {
  const start = { h: a.h, count: constant(3, 'int32'), odd: greater(constant(1), 0) };
  return loop(
    cell(a.w) as Step<State, Record<string, Tensor>>,
    start,
    a.x,
    form.masked ? greater(a.on, 0) : undefined,
    form,
  );
};

const score = (loop: Loop, form: Form) => (a: Inputs) => {
  const [{ h }, { y, seen, count }] = forward(loop, form)(a);
  return [mul(h, h), sin(y!), mul(seen!, seen!), cast(count!, 'float64')]
    .map((t) => sum(t))
    .reduce((total, t) => add(total, t));
};

type Slopes = Omit<Inputs, 'on'>;

/** The gradient for all but what the mask is made of. */
const slope =
  (f: (a: Inputs) => Tensor) =>
  (a: Inputs): Slopes => {
    const { on, ...rest } = a;
    return grad((own: Slopes) => f({ ...own, on }))(rest);
  };

const length = (slopes: Slopes): Tensor =>
  tree
    .leaves<Tensor>(slopes)
    .map((t) => sum(mul(t, sin(t))))
    .reduce((a, b) => add(a, b));

/** A loop whose step takes the gradient of a batch of loops. */
const nested = (loop: Loop, form: Form) => (a: Inputs) => {
  const step: Step<Tensor, Tensor> = (h, factors) => {
    const own = (b: Slopes) =>
      sum(vmap((factor: Tensor) => score(loop, form)({ ...b, on: a.on, x: mul(b.x, factor) }))(factors));
    const slopes = grad(own)({ w: a.w, h, x: a.x });
    return [tanh(add(h, slopes.h)), add(sum(slopes.w), sum(h))];
  };
  const factors = constant(f64([0.5, -0.3, 1, 0.2], [2, 2]));
  const [last, ys] = loop(step, a.h, factors, undefined, { ...form, checkpoint: undefined });
  return add(sum(last), sum(ys));
};

type Axes = { readonly [name in keyof Inputs]: 0 | null };

/** What is asked of a loop. */
const questions = {
  values: forward,
  slopes: (loop: Loop, form: Form) => slope(score(loop, form)),
  'second slopes': (loop: Loop, form: Form) => slope((a) => length(slope(score(loop, form))(a))),
  'values of a batch': (loop: Loop, form: Form, axes: Axes) => vmap(forward(loop, form), { in: [axes] }),
  'slopes of a batch, each': (loop: Loop, form: Form, axes: Axes) => vmap(slope(score(loop, form)), { in: [axes] }),
  'slopes of a batch together': (loop: Loop, form: Form, axes: Axes) =>
    slope((a) => sum(vmap(score(loop, form), { in: [axes] })(a))),
  'slopes of a loop over slopes of batches of loops': (loop: Loop, form: Form) => slope(nested(loop, form)),
} as const;

test.each(Object.entries(questions))('%s are those of the steps one by one', (name, ask) => {
  const axis = fc.constantFrom(0 as const, null);
  const drawn = fc.record({
    sizes: fc.record({ n: fc.integer({ min: 1, max: 3 }), steps: fc.constantFrom(1, 2, 3, 5) }),
    rows: fc.integer({ min: 1, max: 3 }),
    form: fc.record({
      reverse: fc.boolean(),
      masked: fc.boolean(),
      checkpoint: fc.constantFrom(undefined, 1, 2, 3, 7),
    }),
    axes: fc.record({ w: axis, h: axis, x: axis, on: axis }).filter((axes) => Object.values(axes).includes(0)),
  });
  const holds = fc.property(drawn, ({ sizes: { n, steps }, rows, form, axes }) => {
    const shapes = { w: [n, n], h: [n], x: [steps, n], on: [steps] };
    const isBatch = name.includes(' batch') && !name.includes('batches');
    const inputs = Object.entries(shapes).map(([key, shape], i) =>
      numbers(isBatch && axes[key as keyof Axes] === 0 ? [rows, ...shape] : shape, i + 1),
    );
    const spec = Object.fromEntries(
      Object.keys(shapes).map((key, i) => [key, { dtype: 'float64', shape: inputs[i]!.shape }]),
    );
    const programOf = (loop: Loop) => trace(ask(loop, form, axes) as (...xs: never[]) => unknown, spec).program;
    const program = programOf(byScan);
    const expected = evaluate(programOf(byHand), inputs);
    // The passes must not change anything either.
    for (const found of [evaluate(program, inputs), evaluate(optimize(program), inputs)]) {
      expect(found).toHaveLength(expected.length);
      found.forEach(({ dtype, data }, i) => {
        expect(dtype).toBe(expected[i]!.dtype);
        const own = Array.from(expected[i]!.data);
        const scale = own.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        expect(distance(Array.from(data), own) / scale, `result ${i}`).toBeLessThan(1e-11);
      });
    }
  });
  fc.assert(holds, { seed: 4, numRuns: 12 });
});

/** Operations in the first loop of a program, and before and after it. */
function parts(f: (...xs: never[]) => unknown, ...shapes: readonly (readonly number[])[]) {
  const { program } = trace(f, ...shapes.map((shape) => ({ dtype: 'float64', shape })));
  const names = ({ nodes }: Program) => nodes.map(({ op }) => op).filter((op) => op !== 'constant');
  const { attrs } = program.nodes.find(({ op }) => op === 'scan')!;
  return {
    program,
    attrs: attrs as unknown as ScanAttrs,
    inside: names(attrs.body as Program),
    outside: names(program),
  };
}

test('a product of known factors that would be larger than each of them is not taken', () => {
  const column = (h: Tensor, a: Tensor, b: Tensor) =>
    scan(
      (c: Tensor, x: { a: Tensor; b: Tensor }) => {
        const next = mul(mul(tanh(c), x.a), x.b);
        return [next, next] as const;
      },
      h,
      { a, b },
    )[0];
  const { inside, outside } = parts(column, [4, 4], [5, 4, 1], [5, 1, 4]);
  expect(inside).toEqual(['tanh', 'mul', 'mul']);
  expect(outside).toEqual(['scan']);
});

test('nor one whose first part is read elsewhere in the step', () => {
  const f = (h: Tensor, a: Tensor, b: Tensor) =>
    scan(
      (c: Tensor, x: { a: Tensor; b: Tensor }) => {
        const first = mul(tanh(c), x.a);
        return [mul(sigmoid(first), mul(first, x.b)), first] as const;
      },
      h,
      { a, b },
    )[0];
  expect(parts(f, [4], [5, 4], [5, 4]).outside).toEqual(['scan']);
});

test('a loop takes what its body takes, as often as it goes around', () => {
  const f = (w: Tensor, h: Tensor) =>
    scan((c: Tensor) => [tanh(reshape(matmul(reshape(c, [1, 3]), w), [3])), null] as const, h, null, { length: 7 })[0];
  const { program, attrs } = parts(f, [3, 3], [3]);
  expect(programCost(attrs.body).multiplyAdds).toBe(9);
  expect(programCost(program)).toMatchObject({ multiplyAdds: 7 * 9, elements: 7 * programCost(attrs.body).elements });
});
