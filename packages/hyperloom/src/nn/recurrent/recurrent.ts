import { ArgumentError, concat, DTypeError, iota, random, scan, type Tensor } from '../../tensor/index.ts';
import { dropout as dropoutLayer } from '../dropout.ts';
import { applyChild, type Context, childContext, defineModule, type Module, type Params } from '../module.ts';
import { expectShape, whole } from '../options.ts';
import {
  type Cell,
  type CellInput,
  type CellOutput,
  checkState,
  expectPart,
  type StateTypes,
  startState,
} from './cell.ts';
import { checkRate } from './gates.ts';

/** One value for each layer, and for each layer that reads backwards: `layer0`, `layer0Reverse`, `layer1` and so on. */
export type PerLayer<T> = { readonly [layer: `layer${number}` | `layer${number}Reverse`]: T };

/** What a whole sequence is read from: x [T, in], the state before it (zeros), and which steps count (all). */
export interface SequenceInput<State> {
  readonly x: Tensor;
  readonly state?: State;
  /** bool [T]: where it is false, states stay as they are and outputs are 0. For sequences of different lengths. */
  readonly mask?: Tensor;
}

/**
 * A recurrent layer, or several: a module from a sequence [T, in] to a sequence [T, out]. Beside that it can start from
 * a state and give the one that it ends in, and go a single step.
 */
export interface Recurrent<S, State> extends Module<PerLayer<S>> {
  readonly in: number;
  readonly out: number;
  readonly bidirectional: boolean;
  /** Type and shape of the state of one example. */
  readonly state: PerLayer<StateTypes<State>>;
  /** The outputs [T, out] for a sequence, and the state after it. */
  unroll(
    params: Params<PerLayer<S>>,
    input: SequenceInput<PerLayer<State>>,
    context?: Context,
  ): CellOutput<PerLayer<State>>;
  /**
   * One step: x [in] and a state to an output [out] and the next state. Not for layers that read backwards. In training
   * with dropout the context's key is that of the step: `unroll` folds it with the number of each.
   */
  step(params: Params<PerLayer<S>>, input: CellInput<PerLayer<State>>, context?: Context): CellOutput<PerLayer<State>>;
}

/** What every recurrent layer takes beside the options of its cell. */
export interface LayerOptions {
  /** Layers, each of which reads the outputs of the one before. Default 1. */
  readonly layers?: number;
  /** Read each sequence backwards too, by cells of their own: outputs are joined, [T, 2 hidden]. */
  readonly bidirectional?: boolean;
  /** Share of the outputs of each layer but the last that are dropped in training. */
  readonly layerDropout?: number;
  /** Keep the state of every so many steps only and compute those between again for gradients: less memory, more time. */
  readonly checkpoint?: number;
}

/** Options of {@link recurrent}. */
export interface RecurrentOptions<S, State> extends LayerOptions {
  /** What errors call it. Default `recurrent`. */
  readonly name?: string;
  readonly in: number;
  /** The cell of a layer that reads so many inputs. */
  readonly cell: (inputs: number) => Cell<S, State>;
}

/**
 * A recurrent layer of any cell: [T, in] to [T, out]. In training every step has a key of its own, folded from that of
 * the context with the number of the step.
 * @throws ArgumentError for options out of range, a cell that reads another number of inputs, a step of layers that read backwards, or training with dropout without
 * a key; when applied, ShapeError for another input, state or mask
 * @example
 * const cell = (inputs: number) => nn.gruCell({ in: inputs, hidden: 8 });
 * const net = nn.recurrent({ in: 3, cell, layers: 2, bidirectional: true });
 * const params = net.init(random.key(0)); // params.layer0, params.layer0Reverse, params.layer1, ...
 * const y = net.apply(params, constant(zerosArray('float32', [5, 3]))); // [5, 16]
 */
export function recurrent<S, State>({
  name = 'recurrent',
  in: inputs,
  cell: cellOf,
  layers: depth = 1,
  bidirectional = false,
  layerDropout = 0,
  checkpoint,
}: RecurrentOptions<S, State>): Recurrent<S, State> {
  whole(name, 'in', inputs);
  whole(name, 'layers', depth);
  checkRate(name, 'layerDropout', layerDropout);
  if (checkpoint !== undefined) whole(name, 'checkpoint', checkpoint);
  type Passes = readonly {
    readonly key: keyof PerLayer<S>;
    readonly cell: Cell<S, State>;
    readonly reverse: boolean;
  }[];
  const layers: Passes[] = [];
  for (let i = 0; i < depth; i++) {
    const width: number = layers.at(-1)?.reduce((n, { cell }) => n + cell.out, 0) ?? inputs;
    const pass = <K extends string>(key: K, reverse: boolean) => ({ key, cell: cellOf(width), reverse });
    const passes = [pass(`layer${i}` as const, false)];
    layers.push(bidirectional ? [...passes, pass(`layer${i}Reverse` as const, true)] : passes);
    for (const { key, cell } of layers.at(-1)!)
      if (cell.in !== width)
        throw new ArgumentError(`${name}: expected a cell that reads ${width} numbers for ${key}, got ${cell.in}`);
  }
  const perLayer = <T>(f: (cell: Cell<S, State>) => T): PerLayer<T> =>
    Object.fromEntries(layers.flat().map(({ key, cell }) => [key, f(cell)]));
  const spec = perLayer(({ spec: own }) => own);
  const types = perLayer(({ state }) => state);
  const out = layers.at(-1)!.reduce((n, { cell }) => n + cell.out, 0);
  const between = dropoutLayer({ rate: layerDropout });

  /** All layers, one after another, by what makes the output of one pass over its input. */
  const through = (
    params: Params<PerLayer<S>>,
    x: Tensor,
    context: Context | undefined,
    run: (pass: Passes[number], params: Params<S>, x: Tensor, context: Context | undefined) => Tensor,
  ): Tensor =>
    layers.reduce((h, passes, i) => {
      const outputs = passes.map((pass) =>
        applyChild(
          pass.key,
          { apply: (own: Params<S>, input: Tensor, inner?: Context) => run(pass, own, input, inner) },
          (params as PerLayer<Params<S>>)[pass.key]!,
          h,
          context,
        ),
      );
      const y = concat(outputs, -1);
      return i === depth - 1 ? y : between.apply({}, y, childContext(context, `layer${i}.dropout`));
    }, x);

  const unroll: Recurrent<S, State>['unroll'] = (params, { x, state, mask }, context) => {
    expectShape(name, ['T', inputs], x.shape);
    const steps = x.shape[0]!;
    if (mask !== undefined) {
      expectPart(name, 'a mask', [steps], mask);
      if (mask.dtype !== 'bool') throw new DTypeError(`${name}: expected a mask of bool, got ${mask.dtype}`);
    }
    if (state !== undefined) checkState(name, types, state);
    const last: Record<string, State> = {};
    const y = through(params, x, context, ({ key, cell, reverse }, own, h, inner) => {
      const start = state?.[key] ?? startState(cell.state, x.dtype);
      const step = (before: State, at: { readonly x: Tensor; readonly index: Tensor }): readonly [State, Tensor] => {
        const after = cell.apply(own, { x: at.x, state: before }, stepContext(inner, at.index));
        return [after.state, after.y];
      };
      const [end, ys] = scan(
        step,
        start,
        { x: h, index: iota(steps) },
        {
          reverse,
          ...(mask && { mask }),
          ...(checkpoint !== undefined && { checkpoint }),
        },
      );
      last[key] = end;
      return ys;
    });
    return { y, state: last as PerLayer<State> };
  };
  const step: Recurrent<S, State>['step'] = (params, { x, state }, context) => {
    if (bidirectional) throw new ArgumentError(`${name}: expected layers that read forwards for a step, got both ways`);
    expectPart(name, 'x', [inputs], x);
    checkState(name, types, state);
    const next: Record<string, State> = {};
    const y = through(params, x, context, ({ key, cell }, own, h, inner) => {
      const after = cell.apply(own, { x: h, state: state[key]! }, inner);
      next[key] = after.state;
      return after.y;
    });
    return { y, state: next as PerLayer<State> };
  };
  const module = defineModule<PerLayer<S>>({
    name,
    spec,
    apply: (params, x, context) => unroll(params, { x }, context).y,
  });
  return { ...module, in: inputs, out, bidirectional, state: types, unroll, step };
}

/** The context of one step. What a cell would report stays inside: it would be of a single step of a loop. */
const stepContext = (context: Context | undefined, index: Tensor): Context | undefined =>
  context && {
    training: context.training,
    ...(context.path !== undefined && { path: context.path }),
    ...(context.training && context.key && { key: random.foldIn(context.key, index) }),
  };
