import {
  ArgumentError,
  type Aval,
  add,
  argmax,
  constant,
  div,
  greater,
  iota,
  type NdArray,
  ndarray,
  random,
  ShapeError,
  scan,
  type Tensor,
  trace,
  tree,
  where,
  zerosArray,
} from '../tensor/index.ts';
import type { Trainable } from './model.ts';
import type { Run } from './run.ts';
import { sameTypes, showTypes } from './types.ts';

/** A model that reads symbols one at a time and scores what may follow, as `nn.characterModel` does. */
export interface SymbolModel {
  /** Types and shapes of the state, a tree; it starts at zeros. */
  readonly state: unknown;
  /** Of the run's parameters: a symbol x, int32 [], and a state to logits y [symbols] and the next state. */
  step(params: never, input: never): { readonly y: Tensor; readonly state: unknown };
}

/** What {@link Sampler.sample} writes. */
export interface SampleOptions {
  /** Symbols to go on from, one at least. */
  readonly prompt: ArrayLike<number>;
  /** Symbols to write. */
  readonly length: number;
  /** Logits are divided by it: the lower, the likelier what is written. At 0 it is the likeliest symbol. Default 1. */
  readonly temperature?: number;
  /** Names all randomness. Default 0. */
  readonly seed?: number;
}

/** Writes sequences of symbols. */
export interface Sampler {
  /** Symbols that a model can write. */
  readonly symbols: number;
  /**
   * What follows the prompt, piece by piece as it is written; leaving the loop ends the writing. The same options give
   * the same symbols, whatever the pieces.
   * @throws ArgumentError for an empty prompt, a symbol that the model does not know, or other options out of range
   */
  sample(options: SampleOptions): AsyncGenerator<Int32Array, void>;
}

/** Settings of {@link sampler}. */
export interface SamplerOptions {
  /** Symbols that one call of the engine reads or writes, and so the longest piece. Default 32. */
  readonly piece?: number;
}

/**
 * Writes with a language model, symbol after symbol: each is drawn from the softmax of the logits over the temperature
 * by the Gumbel trick, inside one program that goes a piece of the way at each call. The prompt is read by the same
 * program. The number that draws a symbol depends on the seed and the symbol's place alone.
 * @param run its parameters, and the engine; of a hypernetwork, the run of a materialised network ({@link openRun})
 * @throws ArgumentError for a piece below 1 or a step that gives another state, ShapeError for logits of another form
 * @example
 * const model = nn.characterModel({ symbols: 5, core: nn.gru({ in: 5, hidden: 8 }) });
 * const engine = referenceEngine();
 * const params = await runOnce(engine, (key: Tensor) => model.init(key), random.keyArray(0));
 * const written: number[] = [];
 * for await (const piece of sampler(openRun(model, params, engine), model).sample({ prompt: [0, 3], length: 10 }))
 *   written.push(...piece);
 */
export function sampler(run: Run<Trainable>, model: SymbolModel, { piece = 32 }: SamplerOptions = {}): Sampler {
  if (!Number.isSafeInteger(piece) || piece < 1)
    throw new ArgumentError(`sampler: expected a piece of a whole number of symbols from 1 on, got ${piece}`);
  const symbols = symbolsOf(run, model);
  const advance = advancing(model, symbols, piece);
  const start = tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, shape), model.state);
  return {
    symbols,
    async *sample({ prompt, length, temperature = 1, seed = 0 }) {
      checkSample(prompt, { length, temperature, symbols });
      const key = random.keyArray(seed);
      // The symbol at a place, as far as the prompt has it.
      const known = (place: number) => (place < prompt.length ? prompt[place]! : -1);
      let at: At<NdArray> = { symbol: scalar(known(0)), state: start };
      for (let place = 0; place < prompt.length - 1 + length; place += piece) {
        const told = ndarray(Int32Array.from({ length: piece }, (_, i) => known(place + i + 1)));
        const [next, all] = (await run.call(advance, at, told, key, temperature, scalar(place))) as [
          At<NdArray>,
          NdArray,
        ];
        at = next;
        // Only what lies behind the prompt is new, and no more than was asked for.
        const [from, to] = [prompt.length - 1 - place, prompt.length - 1 + length - place];
        const written = (all.data as Int32Array).slice(Math.max(0, from), to);
        if (written.length > 0) yield written;
      }
    },
  };
}

/** Where the writing is: the last symbol and the state before it. */
interface At<T> {
  readonly symbol: T;
  readonly state: unknown;
}

const scalar = (value: number): NdArray => ndarray(Int32Array.of(value), []);

/** The program that goes `piece` symbols on; those that are told (0 and above) are read, the others written. */
function advancing(model: SymbolModel, symbols: number, piece: number) {
  return (params: never, at: At<Tensor>, told: Tensor, key: Tensor, temperature: Tensor, place: Tensor) => {
    const hot = greater(temperature, 0);
    const divisor = where(hot, temperature, 1);
    const one = (
      { symbol, state }: At<Tensor>,
      { index, given }: { readonly index: Tensor; readonly given: Tensor },
    ) => {
      const { y, state: next } = model.step(params, { x: symbol, state } as never);
      // Of the place alone: the numbers of a whole piece are drawn at once, before the loop.
      const noise = random.gumbel(random.foldIn(key, add(place, index)), [symbols]);
      const drawn = argmax(add(div(y, divisor), where(hot, noise, 0)));
      const after = where(greater(given, constant(-1, 'int32')), given, drawn);
      return [{ symbol: after, state: next }, after] as const;
    };
    return scan(one, at, { index: iota(piece), given: told });
  };
}

/** How many symbols a model scores. */
function symbolsOf(run: Run<Trainable>, model: SymbolModel): number {
  const x: Aval = { dtype: 'int32', shape: [] };
  const { y, state } = trace(model.step as never, run.params, { x, state: model.state }).output as {
    readonly y: Aval;
    readonly state: unknown;
  };
  if (y?.shape?.length !== 1)
    throw new ShapeError(`sampler: expected a step that gives logits y [symbols], got ${showTypes({ y })}`);
  if (!sameTypes(model.state, state))
    throw new ArgumentError(
      `sampler: expected a step that gives the state (${showTypes(model.state)}), got ${showTypes(state)}`,
    );
  return y.shape[0]!;
}

function checkSample(
  prompt: ArrayLike<number>,
  { length, temperature, symbols }: { readonly length: number; readonly temperature: number; readonly symbols: number },
): void {
  if (!Number.isSafeInteger(length) || length < 1)
    throw new ArgumentError(`sample: expected a length of a whole number from 1 on, got ${length}`);
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw new ArgumentError(`sample: expected a temperature of 0 or above, got ${temperature}`);
  if (prompt.length === 0) throw new ArgumentError('sample: expected a prompt of at least one symbol, got none');
  for (let i = 0; i < prompt.length; i++) {
    const symbol = prompt[i]!;
    if (!(Number.isInteger(symbol) && symbol >= 0 && symbol < symbols))
      throw new ArgumentError(`sample: expected symbols from 0 to ${symbols - 1} in the prompt, got ${symbol}`);
  }
}
