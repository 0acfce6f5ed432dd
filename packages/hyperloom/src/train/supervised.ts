import type { Batches } from '../data/index.ts';
import { descend, type Optimizer } from '../optim/index.ts';
import {
  type Aval,
  add,
  constant,
  iota,
  mean,
  type NdArray,
  named,
  random,
  sqrt,
  square,
  stopGradient,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import { type Carry, noCarry, stateAfter, zeroStates } from './carry.ts';
import type { Method } from './method.ts';
import type { Example, Measure } from './model.ts';
import type { Regularizer } from './regularizer.ts';

/** What {@link supervised} trains on. */
export interface SupervisedOptions {
  /** Batches of `{ input, target }`; the input is what `model.apply` takes. */
  readonly data: Batches<Example>;
  /** The loss of one example, a scalar of output and target. */
  readonly loss: Measure;
  readonly optimizer: Optimizer;
  /** Added to the loss of every step: a function of the parameters alone. */
  readonly regularizer?: Regularizer;
  /** A state that each row of a batch hands on to the next step; evaluation hands one on too, from batch to batch. */
  readonly carry?: Carry;
}

/** What a step of {@link supervised} reads. */
interface Inputs {
  readonly batch: Example;
  readonly regularizer: unknown;
}

/**
 * Training on examples: the mean loss of a batch, its gradient, and one step of the optimiser. `train` is the short form.
 * @example
 * const x = ndarray(new Float32Array(8), [8, 1]);
 * const method = supervised({
 *   data: data.batches({ input: x, target: x }, { size: 4 }),
 *   loss: nn.losses.mse,
 *   optimizer: optim.sgd(0.1),
 * });
 * const run = await trainWith(nn.linear({ in: 1, out: 1 }), method, { steps: 2 });
 * await run.dispose();
 */
export function supervised({ data, loss, optimizer, regularizer, carry = noCarry }: SupervisedOptions): Method {
  const rows = tree.leaves<Aval>(data.spec)[0]!.shape[0]!;
  const states = zeroStates(carry, rows);
  const example = trace(carry.write, tree.map(exampleOf, data.spec.input), carry.state).output;
  return {
    example: () => example,
    inputs: () => ({ batch: data.spec, regularizer: regularizer?.inputs ?? null }),
    start: (_, packed) => ({
      ...packed,
      optimizer: optimizer.init(packed.theta),
      state: tree.map((zeros: NdArray) => constant(zeros), states),
    }),
    step: ({ model, layout }, { theta, rest, ...before }, call) => {
      const { batch, regularizer: given } = call.inputs as Inputs;
      /** Mean loss of the batch, with what layers would add to their statistics and the state of each row. */
      const batchLoss = (params: unknown, key: Tensor) => {
        const one = (example: Example, state: unknown, row: Tensor) => {
          const updates: Record<string, Tensor> = {};
          const update = (path: string, delta: Tensor): void => {
            // A layer that is applied twice reports twice.
            updates[path] = path in updates ? add(updates[path]!, delta) : delta;
          };
          const context = { training: true, key: random.foldIn(key, row), update };
          const output = model.apply(
            params as never,
            carry.write(example.input as never, state as never) as never,
            context,
          );
          const value = named('loss', () => loss(output as never, example.target as never));
          return { loss: value, updates, state: stateAfter(carry, output) };
        };
        const each = vmap(one, { name: 'batch' })(batch, before.state, iota(rows));
        const updates = tree.map((delta: Tensor) => mean(delta, { axis: 0 }), each.updates);
        return [mean(each.loss), { updates, state: each.state }] as const;
      };
      const key = random.foldIn(random.foldIn(call.key, 1), call.step);
      const [[value, after], gradient] = valueAndGrad(
        (vector: Tensor) => batchLoss(layout.unpack({ theta: vector, rest }), key),
        { aux: true },
      )(theta);
      // Taken only when asked for: where the optimiser would go on the task's loss alone.
      const ahead = (): Tensor => stopGradient(descend(optimizer, theta, gradient, before.optimizer)[0]);
      const penalised =
        regularizer &&
        valueAndGrad((vector: Tensor) => {
          const params = layout.unpack({ theta: vector, rest });
          return regularizer.apply(params as never, given as never, {
            key: random.foldIn(random.foldIn(call.key, 2), call.step),
            step: call.step,
          });
        })(regularizer.lookahead ? ahead() : theta);
      const total = penalised ? add(gradient, penalised[1]) : gradient;
      const [moved, next] = descend(optimizer, theta, total, before.optimizer);
      return {
        carried: {
          theta: moved,
          rest: layout.updated(rest, after.updates),
          optimizer: next,
          state: after.state,
        },
        measured: {
          loss: value,
          ...(penalised && { penalty: penalised[0] }),
          gradientNorm: sqrt(sum(square(total))),
        },
      };
    },
    feed: async () => ({
      at: (index) => ({ batch: data.at(index), regularizer: regularizer?.inputs ?? null }),
      // What a regulariser reads is as large as the weights: it is not stacked.
      ahead: regularizer === undefined,
      dispose: async () => {},
    }),
  };
}

/** The type of one example of a batch. */
const exampleOf = ({ dtype, shape }: Aval): Aval => ({ dtype, shape: shape.slice(1) });
