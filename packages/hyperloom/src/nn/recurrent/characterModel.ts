import { ArgumentError, DTypeError, oneHot, ShapeError, showShape, type Tensor } from '../../tensor/index.ts';
import { type EmbeddingSpec, embedding } from '../embedding.ts';
import { type LinearSpec, linear } from '../linear.ts';
import { applyChild, type Context, defineModule, type Module, type Params } from '../module.ts';
import { whole } from '../options.ts';
import type { CellInput, CellOutput, StateTypes } from './cell.ts';
import type { PerLayer, Recurrent, SequenceInput } from './recurrent.ts';

/** Weights of {@link characterModel}: those of the core, of the layer that scores symbols, and an embedding if any. */
export type CharacterModelSpec<S> = {
  readonly embedding?: EmbeddingSpec;
  readonly core: PerLayer<S>;
  readonly out: LinearSpec;
};

/** Options of {@link characterModel}. */
export interface CharacterModelOptions<S, State> {
  /** Size of the vocabulary. */
  readonly symbols: number;
  /** Recurrent layers that read forwards; their `in` is `symbols`, or the size of the embedding. */
  readonly core: Recurrent<S, State>;
  /** Size of a learned vector for each symbol. Default none: the core reads one-hot vectors. */
  readonly embedding?: number;
}

/**
 * A model of sequences of symbols: x int32 [T], and from where it begins, to the logits [T, symbols] of what follows
 * each, and the state after the last.
 */
export interface CharacterModel<S, State>
  extends Module<CharacterModelSpec<S>, SequenceInput<PerLayer<State>>, CellOutput<PerLayer<State>>> {
  readonly symbols: number;
  readonly core: Recurrent<S, State>;
  /** Type and shape of the state of one example; it starts at zeros. */
  readonly state: PerLayer<StateTypes<State>>;
  /** One step: a symbol, int32 [], and a state to logits [symbols] and the next state. */
  step(
    params: Params<CharacterModelSpec<S>>,
    input: CellInput<PerLayer<State>>,
    context?: Context,
  ): CellOutput<PerLayer<State>>;
}

/**
 * A language model: symbols to one-hot vectors or embeddings, recurrent layers, and a linear layer to logits. It is a
 * module from `{ x, state?, mask? }` to `{ y, state }`, where x is int32 [T] and y the logits [T, symbols], so the state
 * of one stretch of text can be handed to the next; and it can go one step at a time, to write text.
 * @throws ArgumentError for sizes that do not fit or layers that read backwards; when applied, DTypeError or ShapeError
 * @example
 * const model = nn.characterModel({ symbols: 5, core: nn.lstm({ in: 5, hidden: 8 }) });
 * const params = model.init(random.key(0));
 * const { y, state } = model.apply(params, { x: constant([0, 3, 4], 'int32') }); // [3, 5]
 * const next = model.step(params, { x: constant(2, 'int32'), state }); // next.y is [5]
 */
export function characterModel<S, State>({
  symbols,
  core,
  embedding: size,
}: CharacterModelOptions<S, State>): CharacterModel<S, State> {
  const name = 'characterModel';
  whole(name, 'symbols', symbols);
  const width = size ?? symbols;
  if (core.in !== width)
    throw new ArgumentError(`${name}: expected a core that reads ${width} numbers, got ${core.in}`);
  if (core.bidirectional) throw new ArgumentError(`${name}: expected a core that reads forwards, got both ways`);
  const table = size === undefined ? undefined : embedding({ count: symbols, size });
  const out = linear({ in: core.out, out: symbols });

  type P = Params<CharacterModelSpec<S>>;
  const read = (params: P, x: Tensor, rank: number, context: Context | undefined): Tensor => {
    const expected = `${name}: expected symbols int32 [${rank === 1 ? 'T' : ''}]`;
    if (x.dtype !== 'int32') throw new DTypeError(`${expected}, got ${x.dtype} ${showShape(x.shape)}`);
    if (x.rank !== rank) throw new ShapeError(`${expected}, got ${showShape(x.shape)}`);
    return table
      ? applyChild('embedding', table, params.embedding as Params<EmbeddingSpec>, x, context)
      : oneHot(x, symbols, params.out.weight.dtype);
  };
  const score = (params: P, h: Tensor, context: Context | undefined): Tensor =>
    applyChild('out', out, params.out as Params<LinearSpec>, h, context);

  const module = defineModule<CharacterModelSpec<S>, SequenceInput<PerLayer<State>>, CellOutput<PerLayer<State>>>({
    name,
    spec: { ...(table && { embedding: table.spec }), core: core.spec, out: out.spec },
    apply: (params, { x, ...rest }, context) => {
      const input = { x: read(params, x, 1, context), ...rest };
      const { y, state } = applyChild('core', { apply: core.unroll }, params.core as never, input, context);
      return { y: score(params, y, context), state };
    },
  });
  return {
    ...module,
    symbols,
    core,
    state: core.state,
    step: (params, { x, state }, context) => {
      const input = { x: read(params, x, 0, context), state };
      const after = applyChild('core', { apply: core.step }, params.core as never, input, context);
      return { y: score(params, after.y, context), state: after.state };
    },
  };
}
