import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import {
  type Aval,
  concat,
  constant,
  flip,
  grad,
  matmul,
  mul,
  type NdArray,
  ndarray,
  random,
  reshape,
  type Shape,
  sizeOf,
  slice,
  square,
  sum,
  type Tensor,
  trace,
  transposeMatrix,
  tree,
  vmap,
  zerosArray,
} from '../../tensor/index.ts';
import * as nn from '../index.ts';

const values = (f: () => unknown): NdArray[] => evaluate(trace(f as () => Tensor).program, []);
const numbers = (f: () => unknown): number[] => values(f).flatMap(({ data }) => [...data]);

/** Numbers from -1 to 1 that look random and are the same in every run. */
const waves = (shape: Shape, phase = 1): Tensor =>
  constant(
    ndarray(
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * phase)),
      shape,
    ),
  );
const steps = (x: Tensor, from: number, to: number): Tensor => slice(x, [[from, to]]);

const expectSame = (a: readonly number[], b: readonly number[]): void => {
  expect(a.length).toBe(b.length);
  a.forEach((x, i) => {
    expect(x).toBeCloseTo(b[i]!, 5);
  });
};

const x = waves([6, 3]);
const layers = {
  rnn: nn.rnn({ in: 3, hidden: 4, layers: 2 }),
  gru: nn.gru({ in: 3, hidden: 4, layers: 2 }),
  lstm: nn.lstm({ in: 3, hidden: 4, layers: 2, layerNorm: true }),
  hyperRnn: nn.hyperRnn({ in: 3, hidden: 4, hyper: 3, code: 2, layers: 2 }),
  hyperLstm: nn.hyperLstm({ in: 3, hidden: 4, hyper: 3, code: 2, layers: 2, layerNorm: true }),
};
/** A layer, the types of its weights and state forgotten. */
interface Erased {
  readonly state: unknown;
  init(key: Tensor): unknown;
  unroll(params: never, input: never, context?: nn.Context): { readonly y: Tensor; readonly state: unknown };
  step(params: never, input: never): { readonly y: Tensor; readonly state: unknown };
}

describe.each(Object.entries<unknown>(layers))('%s', (_, layer) => {
  const { init, unroll, step, state: types } = layer as Erased;
  const params = init(random.key(0)) as never;
  const whole = numbers(() => unroll(params, { x } as never));

  test('a sequence in two parts, the state handed on, is the sequence', () => {
    const parts = numbers(() => {
      const first = unroll(params, { x: steps(x, 0, 2) } as never);
      const second = unroll(params, { x: steps(x, 2, 6), state: first.state } as never);
      return { y: concat([first.y, second.y]), state: second.state };
    });
    expectSame(parts, whole);
  });

  test('so are single steps', () => {
    const single = numbers(() => {
      let state: unknown = tree.map(
        ({ shape }: { readonly shape: Shape }) => constant(zerosArray('float32', shape)),
        types,
      );
      const ys: Tensor[] = [];
      for (let t = 0; t < 6; t++) {
        const after = step(params, { x: reshape(steps(x, t, t + 1), [3]), state } as never);
        state = after.state;
        ys.push(after.y);
      }
      return { y: concat(ys), state };
    });
    expectSame(single, whole);
  });

  test('what comes behind the end of a sequence changes nothing', () => {
    const mask = constant(ndarray([true, true, true, true, false, false]));
    const [y, ...ends] = values(() => unroll(params, { x, mask } as never));
    const [own, ...shorter] = values(() => unroll(params, { x: steps(x, 0, 4) } as never));
    expectSame([...y!.data], [...own!.data, ...new Array(8).fill(0)]);
    expectSame(
      ends.flatMap(({ data }) => [...data]),
      shorter.flatMap(({ data }) => [...data]),
    );
  });
});

test('layers that read backwards give what a turned sequence gives, turned', () => {
  const net = nn.gru({ in: 3, hidden: 2, bidirectional: true });
  const forwards = nn.gru({ in: 3, hidden: 2 });
  const params = net.init(random.key(0));
  const [y, ...states] = values(() => {
    const { y, state } = net.unroll(params, { x });
    return [y, state.layer0!.h, state.layer0Reverse!.h];
  });
  const [ahead, back, last] = values(() => {
    const turned = forwards.unroll({ layer0: params.layer0Reverse! }, { x: flip(x, 0) });
    return [forwards.apply({ layer0: params.layer0! }, x), flip(turned.y, 0), turned.state.layer0!.h];
  });
  const joined = Array.from({ length: 6 }, (_, t) => [
    ...ahead!.data.slice(2 * t, 2 * t + 2),
    ...back!.data.slice(2 * t, 2 * t + 2),
  ]);
  expectSame([...y!.data], joined.flat());
  expectSame([...states[0]!.data], [...ahead!.data.slice(10)]);
  expectSame([...states[1]!.data], [...last!.data]);
});

test('backwards too, reading begins at the end of a sequence that is masked', () => {
  const net = nn.lstm({ in: 3, hidden: 2, layers: 2, bidirectional: true });
  const params = net.init(random.key(0));
  const mask = constant(ndarray([true, true, true, true, false, false]));
  const [y, ...ends] = values(() => net.unroll(params, { x, mask }));
  const [own, ...shorter] = values(() => net.unroll(params, { x: steps(x, 0, 4) }));
  expectSame([...y!.data], [...own!.data, ...new Array(8).fill(0)]);
  ends.forEach(({ data }, i) => {
    expectSame([...data], [...shorter[i]!.data]);
  });
});

test('computing states again for gradients changes nothing', () => {
  const gradients = (checkpoint: number | undefined) => {
    const net = nn.hyperLstm({ in: 3, hidden: 4, hyper: 3, code: 2, ...(checkpoint && { checkpoint }) });
    return numbers(() => grad((p: nn.ParamsOf<typeof net>) => sum(square(net.apply(p, x))))(net.init(random.key(0))));
  };
  expectSame(gradients(2), gradients(undefined));
});

test('sequences of different lengths, each from a state of its own, equal a loop', () => {
  const net = nn.hyperLstm({ in: 2, hidden: 4, hyper: 3, code: 2, layerNorm: true });
  const params = net.init(random.key(0));
  const batch = {
    x: waves([3, 5, 2], 2),
    mask: constant(ndarray([3, 5, 1].map((n) => [0, 1, 2, 3, 4].map((t) => t < n)))),
    state: tree.map(({ shape }: Aval) => waves([3, ...shape], 3), net.state),
  };
  const run = (input: nn.SequenceInput<unknown>) => net.unroll(params, input as never);
  const together = values(() => vmap(run)(batch));
  for (const b of [0, 1, 2]) {
    const one = tree.map((t: Tensor) => reshape(steps(t, b, b + 1), t.shape.slice(1)), batch);
    values(() => run(one)).forEach(({ data }, i) => {
      const size = data.length;
      expectSame([...together[i]!.data.slice(b * size, (b + 1) * size)], [...data]);
    });
  }
});

describe('dropout in a cell', () => {
  const rate = 0.5;
  const cell = nn.hyperLstmCell({ in: 3, hidden: 200, hyper: 3, code: 2, dropout: rate });
  const params = tree.map(({ shape }: nn.WeightSpec) => waves(shape, 6), cell.spec) as nn.ParamsOf<typeof cell>;
  const state = tree.map(({ shape }: Aval) => waves(shape, 4), cell.state) as nn.HyperLstmState;
  const memory = (context?: nn.Context) =>
    numbers(() => cell.apply(params, { x: waves([3]), state: { ...state, c: mul(state.c, 0) } }, context).state.c);

  test('drops a share of what enters the memory and scales up the rest', () => {
    const plain = memory();
    const ratios = memory({ training: true, key: random.key(1) }).map((c, i) => c / plain[i]!);
    const kept = ratios.filter((r) => Math.abs(r) > 1e-6);
    for (const r of kept) expect(r).toBeCloseTo(1 / (1 - rate), 4);
    expect(kept.length / 200).toBeCloseTo(1 - rate, 1);
  });

  test('keeps the memory itself, and everything outside training', () => {
    const kept = (context?: nn.Context) =>
      numbers(() => {
        const shut = { ...params, bias: constant(ndarray(gatesOf(200, [-40, 40, 0, 0]))) };
        return cell.apply(shut, { x: waves([3]), state }, context).state.c;
      });
    expectSame(
      kept({ training: true, key: random.key(1) }),
      numbers(() => state.c),
    );
    expect(memory({ training: false, key: random.key(1) })).toEqual(memory());
  });

  test('differs from step to step, and not with the state', () => {
    const net = nn.lstm({ in: 1, hidden: 64, dropout: rate });
    // Gates and candidates of one size at every step, so that what enters the memory shows the mask.
    const flat = tree.map(({ shape }: Aval) => constant(zerosArray('float32', shape)), net.spec) as nn.ParamsOf<
      typeof net
    >;
    const bias = constant(ndarray(gatesOf(64, [0, -40, 0, 1])));
    const own = { layer0: { ...flat.layer0!, bias } };
    const masks = (scale: number, seed: number) => {
      const from = tree.map(({ shape }: Aval) => mul(waves(shape, 5), scale), net.state) as nn.PerLayer<nn.LstmState>;
      const key = random.key(seed);
      const all = numbers(() => net.unroll(own, { x: waves([4, 1]), state: from }, { training: true, key }).y);
      return [0, 1, 2, 3].map((t) =>
        all
          .slice(64 * t, 64 * t + 64)
          .map((h) => (Math.abs(h) > 1e-6 ? 1 : 0))
          .join(''),
      );
    };
    expect(new Set(masks(0, 1)).size).toBe(4);
    expect(masks(1, 1)).toEqual(masks(0, 1));
    expect(masks(0, 2)).not.toEqual(masks(0, 1));
  });
});

/** One number for all units of each gate. */
const gatesOf = (hidden: number, start: readonly number[]): number[] =>
  start.flatMap((v) => new Array<number>(hidden).fill(v));

test('first values: gates orthogonal each, forget gates open, scales of 0.1', () => {
  const cell = nn.hyperLstmCell({ in: 8, hidden: 6, hyper: 4, code: 2, layerNorm: true });
  const params = cell.init(random.key(3));
  const products = numbers(() =>
    [0, 1, 2, 3].map((k) => {
      const gate = slice(params.hidden, [
        [0, 6],
        [6 * k, 6 * k + 6],
      ]);
      return matmul(transposeMatrix(gate), gate);
    }),
  );
  expectSame(
    products,
    new Array(4).fill([0, 1, 2, 3, 4, 5].flatMap((i) => [0, 1, 2, 3, 4, 5].map((j) => Number(i === j)))).flat(),
  );
  expect(numbers(() => params.norm!.gates.shift)).toEqual(gatesOf(6, [0, 1, 0, 0]));
  expect(numbers(() => params.hyper.norm!.gates.shift)).toEqual(gatesOf(4, [0, 1, 0, 0]));
  expect(numbers(() => nn.lstmCell({ in: 8, hidden: 6 }).init(random.key(3)).bias)).toEqual(gatesOf(6, [0, 1, 0, 0]));
  const { hidden, input, shift } = cell.rescales(params, waves([4]));
  expectSame(
    numbers(() => [hidden, input]),
    new Array(48).fill(0.1),
  );
  expect(numbers(() => shift)).toEqual(new Array(24).fill(0));
});

test('errors say where, what was expected and what came instead', () => {
  const net = nn.lstm({ in: 3, hidden: 4, layers: 2 });
  const params = net.init(random.key(0));
  const zeros = (...shape: number[]) => constant(zerosArray('float32', shape));
  expect(() => net.apply(params, zeros(5, 2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: lstm: expected [T, 3], got [5, 2]]`,
  );
  expect(() => net.unroll(params, { x: zeros(5, 3), mask: zeros(5) })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: lstm: expected a mask of bool, got float32]`,
  );
  expect(() => net.unroll(params, { x: zeros(5, 3), mask: zeros(4) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: lstm: expected a mask [5], got [4]]`,
  );
  const state = { layer0: { h: zeros(4), c: zeros(4) }, layer1: { h: zeros(4), c: zeros(3) } };
  expect(() => net.unroll(params, { x: zeros(5, 3), state })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: lstm: expected state layer1.c [4], got [3]]`,
  );
  expect(() => net.unroll(params, { x: zeros(5, 3), state: {} })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: lstm: expected state layer0.h [4], got none]`,
  );
  expect(() => net.step(params, { x: zeros(1, 3), state })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: lstm: expected x [3], got [1, 3]]`,
  );
  const both = nn.rnn({ in: 3, hidden: 4, bidirectional: true });
  expect(() => both.step(both.init(random.key(0)), { x: zeros(3), state: {} })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: rnn: expected layers that read forwards for a step, got both ways]`,
  );
  const cell = nn.gruCell({ in: 3, hidden: 4, dropout: 0.5 });
  const own = cell.init(random.key(0));
  expect(() => cell.apply(own, { x: zeros(2), state: { h: zeros(4) } })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: gruCell: expected x [3], got [2]]`,
  );
  expect(() => cell.apply(own, { x: zeros(3), state: { h: zeros(5) } })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: gruCell: expected state h [4], got [5]]`,
  );
  const training = { training: true };
  expect(() => cell.apply(own, { x: zeros(3), state: { h: zeros(4) } }, training)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: gruCell: expected context.key when training with dropout, got none]`,
  );
  expect(() => nn.lstm({ in: 3, hidden: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: lstmCell: expected hidden to be a whole number of at least 1, got 0]`,
  );
  expect(() => nn.lstm({ in: 3, hidden: 4, layers: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: lstm: expected layers to be a whole number of at least 1, got 0]`,
  );
  expect(() => nn.gru({ in: 3, hidden: 4, dropout: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: gruCell: expected dropout of at least 0 and below 1, got 1]`,
  );
  expect(() => nn.hyperLstm({ in: 3, hidden: 4, hyper: 2, code: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: hyperLstmCell: expected code to be a whole number of at least 1, got 1.5]`,
  );
  expect(() => nn.hyperRnn({ in: 3, hidden: 4, hyper: 0, code: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: hyperRnnCell: expected hyper to be a whole number of at least 1, got 0]`,
  );
  expect(() => nn.rnn({ in: 3, hidden: 4, checkpoint: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: rnn: expected checkpoint to be a whole number of at least 1, got 0]`,
  );
  expect(() =>
    nn.recurrent({ in: 3, layers: 2, cell: () => nn.gruCell({ in: 3, hidden: 4 }) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: recurrent: expected a cell that reads 4 numbers for layer1, got 3]`,
  );
});
