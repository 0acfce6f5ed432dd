import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { ArgumentError, type NdArray, zerosArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { matched } from './concatenation.ts';
import { withLaterCodes } from './laterCodes.ts';
import type { Experiment, Figures, Recipe, RunFlags, Settings, Trial } from './recipe.ts';
import {
  type AuthorHead,
  type AuthorModel,
  authorCarry,
  authorHeads,
  authorNats,
  bitsByAuthor,
  generated,
  language,
  shared,
  told,
  writerBetween,
} from './tasks/authorModels.ts';
import { authorPictures } from './tasks/authorPictures.ts';
import { type AuthorTexts, authorBatches, authorTests, later, library, readAuthors } from './tasks/authors.ts';

const steps = 1_800;
/** Bits per character of the test parts that are promised of a whole run, with room for other machines and versions. */
const promised = 2.5;

const options = {
  control: { default: true, help: 'also train one model for all, and one that reads the code beside each character' },
  authors: { default: Object.keys(library).join(','), help: 'who is read' },
  between: { default: '', help: 'two of them, between whose codes the report shows text (none: the first and last)' },
  head: {
    default: 'scale',
    choices: Object.keys(authorHeads),
    help: 'what generates: scale (of stored weights), experts, dense, or lowRank or core (a delta on stored weights: on all, or on those of the cell)',
  },
  newText: { default: 4_000, least: 1, whole: true, help: 'characters that an author who comes later is learned from' },
  characters: { default: 300_000, least: 1, whole: true, help: 'of each author' },
  code: { default: 8, least: 1, whole: true, help: 'numbers in the code of an author' },
  hidden: { default: 96, least: 1, whole: true, help: 'units of the generated LSTM' },
  rows: { default: 4, least: 1, whole: true, help: 'places of each text that a batch reads on from' },
  length: { default: 50, least: 1, whole: true, help: 'characters that a gradient goes back through' },
  learningRate: { default: 0.01, least: 0, help: 'first learning rate of Adam, which falls to 0 by cosine' },
};

async function prepare(settings: Settings, { seed, steps: asked }: RunFlags): Promise<Experiment> {
  const number = (key: keyof typeof options) => Number(settings[key]);
  const names = listed(String(settings.authors));
  const characters = number('characters');
  const window = { rows: number('rows'), length: number('length') };
  checkLengths({ characters, newText: number('newText') }, window);
  const texts = await readAuthors({ names, characters, later: number('newText') });
  const pair = pairOf(String(settings.between), names);
  const symbols = texts.vocabulary.size;
  const code = number('code');
  const hidden = number('hidden');
  const known: Known = {
    texts,
    seed,
    ...window,
    rate: number('learningRate'),
    steps: asked ?? steps,
    newSteps: asked ?? 200,
  };

  const head = settings.head as AuthorHead;
  const hyper = (width: number) => (who: readonly string[]) => generated({ symbols, hidden: width, code }, head, who);
  const parameters = nn.countParams(hyper(hidden)(names).spec);
  const widthOf = (make: (width: number) => AuthorModel) =>
    matched(parameters, (width) => ({ spec: make(width).spec, width })).width;
  const net = language({ symbols, hidden });
  const alone = (width: number) => shared({ symbols, hidden: width });
  const joined = (width: number) => told({ symbols, hidden: width, code }, names);
  const [plain, reading] = [widthOf(alone), widthOf(joined)];
  const tests = authorTests({ texts: texts.texts.map(({ test }) => test), rows: known.rows, length: known.length });
  const main: Trial = {
    ...coded('main', 'hypernetwork', hidden, (who) => hyper(hidden)(who) as unknown as AuthorModel, known),
    codes: [...names, later.name].map((name, i) => ({ name, code: numbers([i], []) })),
    language: {
      vocabulary: texts.vocabulary,
      model: net,
      between: (from, to, share) =>
        writerBetween(hyper(hidden)([...names, later.name]), net, [authorOf(from), authorOf(to)], share),
    },
    exampleInput: { x: zerosArray('int32', [known.rows, known.length]) },
    examples: tests,
    loss: authorNats,
  };
  const controls = [
    coded('told', 'one model, told the code', reading, (who) => told({ symbols, hidden: reading, code }, who), known),
    tuned('shared', 'one model for all', plain, alone(plain), known),
  ];
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'bits', title: 'bits', format: 'number' },
      ...names.map((name) => ({ metric: `bits.${name}`, title: name, format: 'number' as const })),
      { metric: 'newAuthor.bits', title: `new: ${later.name}`, format: 'number' },
      { metric: 'newAuthor.parameters', title: 'by', format: 'integer' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    counts: {
      'params.total': parameters,
      'params.language': nn.countParams(net.spec),
      symbols,
    },
    pictures: ([main]) => authorPictures(main!.run, { texts, pair, net, length: known.length, seed }),
    judge: (metrics) => (asShipped(options, settings, ['control']) ? judged(metrics) : undefined),
  };
}

/** What every trial knows of the experiment. */
interface Known {
  readonly texts: AuthorTexts;
  readonly seed: number;
  readonly rows: number;
  readonly length: number;
  readonly rate: number;
  readonly steps: number;
  /** Steps for the author who comes later. */
  readonly newSteps: number;
}

const numbers = (values: readonly number[], shape = [values.length]): NdArray => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(values),
});

/** Names by commas. */
const listed = (text: string): string[] => text.split(',').map((name) => name.trim());

const authorOf = (code: unknown): number => (code as NdArray).data[0] as number;

/** First learning rates for the author who comes later: of codes 0.01 to 0.1 were tried, of all weights 0.0003 to 0.002. */
const newRates = { code: 0.03, all: 0.001 } as const;

/** Trains on the authors. */
const onAll = ({ texts, rows, length, rate, steps }: Known, width: number) => {
  const reading = { rows, length };
  return {
    data: authorBatches({ texts: texts.texts.map(({ train }) => train), ...reading }),
    loss: authorNats,
    optimizer: optim.chain(optim.clipByGlobalNorm(1), optim.adam(optim.cosine({ initial: rate, end: 0, steps }))),
    steps,
    carry: authorCarry(width, rows),
    evaluate: {
      data: authorTests({ texts: texts.texts.map(({ validation }) => validation), ...reading }),
      metrics: { bits: bitsByAuthor() },
      every: Math.max(1, Math.ceil(steps / 10)),
    },
    // Never before the end, but back to where validation was best.
    early: { metric: 'bits', mode: 'min' as const, patience: Math.max(1, steps) },
  };
};

/** Trains on the author who comes later, until the validation text is met worse. */
const onLater = ({ texts, rows, length, newSteps: steps }: Known, width: number, rate: number) => {
  const reading = { codes: [texts.names.length], rows, length };
  return {
    data: authorBatches({ texts: [texts.later.train], ...reading }),
    loss: authorNats,
    optimizer: optim.chain(optim.clipByGlobalNorm(1), optim.adam(optim.cosine({ initial: rate, end: 0, steps }))),
    steps,
    carry: authorCarry(width, rows),
    evaluate: {
      data: authorTests({ texts: [texts.later.validation], ...reading }),
      metrics: { bits: bitsByAuthor() },
      every: Math.max(1, Math.ceil(steps / 20)),
    },
    early: { metric: 'bits', mode: 'min' as const, patience: 8 },
  };
};

/** Bits per character of each author's test part, and their mean. Each is read from its beginning to its end. */
async function measureAll(run: Run<Trainable>, { texts, length }: Known, width: number): Promise<Figures> {
  const data = authorTests({ texts: texts.texts.map(({ test }) => test), rows: 1, length });
  const names = texts.names.map((name, i) => [`bits.${name}`, bitsByAuthor(i, texts.names.length)] as const);
  const metrics = { bits: bitsByAuthor(), ...Object.fromEntries(names) };
  return run.evaluate(data, metrics, { carry: authorCarry(width, 1) });
}

/** Bits per character of the later author's test part with a given code. */
async function measureLater(
  run: Run<Trainable>,
  { texts, length }: Known,
  width: number,
  code: number,
): Promise<number> {
  const data = authorTests({ texts: [texts.later.test], codes: [code], rows: 1, length });
  return (await run.evaluate(data, { bits: bitsByAuthor() }, { carry: authorCarry(width, 1) })).bits!;
}

/**
 * A model with a learned code for each author. The one who comes later gets a code alone: all else stays as it is. It
 * starts from the code that meets the new text best.
 */
function coded(
  name: string,
  title: string,
  width: number,
  family: (names: readonly string[]) => AuthorModel,
  known: Known,
): Trial {
  const { names } = known.texts;
  const [before, after] = [family(names), family([...names, later.name])];
  let old: { readonly run: Run<Trainable>; readonly nearest: number } | undefined;
  return {
    name,
    title,
    model: after,
    parameters: nn.countParams(before.spec),
    train: async (session) => {
      const run = await session.train(before, onAll(known, width), 'authors');
      const nearest = await nearestAuthor(run, known, width);
      old = { run, nearest };
      const initial = await withLaterCodes(run, after as Trainable, [nearest], session);
      return session.train(
        after,
        { ...onLater(known, width, newRates.code), initial, trained: 'code.**' },
        'newAuthor',
      );
    },
    measure: async (run) => {
      // A run that was stopped before the new author came knows nothing of that one.
      if (old === undefined || old.run === run) return measureAll(run, known, width);
      return {
        ...(await measureAll(old.run, known, width)),
        'newAuthor.bits': await measureLater(run, known, width, names.length),
        'newAuthor.before': await measureLater(run, known, width, old.nearest),
        'newAuthor.parameters': nn.countParams(after.spec) - nn.countParams(before.spec),
        'newAuthor.nearest': old.nearest,
      };
    },
  };
}

/** The number of the author with whose code the later author's text takes the fewest bits. */
async function nearestAuthor(run: Run<Trainable>, { texts, rows, length }: Known, width: number): Promise<number> {
  const data = authorTests({ texts: texts.names.map(() => texts.later.train), rows, length });
  const metrics = Object.fromEntries(texts.names.map((name, i) => [name, bitsByAuthor(i, texts.names.length)]));
  const bits = Object.values(await run.evaluate(data, metrics, { carry: authorCarry(width, rows) }));
  return bits.indexOf(Math.min(...bits));
}

/** One model for all authors, the whole of which is trained on for the one who comes later. */
function tuned(name: string, title: string, width: number, model: AuthorModel, known: Known): Trial {
  let old: Run<Trainable> | undefined;
  return {
    name,
    title,
    model,
    train: async (session) => {
      old = await session.train(model, onAll(known, width), 'authors');
      return session.train(model, { ...onLater(known, width, newRates.all), initial: old.params }, 'newAuthor');
    },
    measure: async (run) => {
      if (old === undefined || old === run) return measureAll(run, known, width);
      const { length } = known.texts.names;
      return {
        ...(await measureAll(old, known, width)),
        'newAuthor.bits': await measureLater(run, known, width, length),
        'newAuthor.before': await measureLater(old, known, width, length),
        'newAuthor.parameters': nn.countParams(model.spec),
      };
    },
  };
}

/**
 * Raises unless every part of a text holds a window for each row.
 * @throws ArgumentError
 */
function checkLengths(
  lengths: Readonly<Record<string, number>>,
  { rows, length }: Pick<Known, 'rows' | 'length'>,
): void {
  const least = rows * length + 1;
  for (const [name, part] of [
    ['characters', 0.05],
    ['newText', 1],
  ] as const) {
    const needed = Math.ceil(least / part);
    if (lengths[name]! < needed)
      throw new ArgumentError(
        `--set ${name}: expected at least ${needed} for ${rows} rows of ${length}, got ${lengths[name]}`,
      );
  }
}

/**
 * The two authors of the setting.
 * @throws ArgumentError for any other number of them, the same twice, or one that is not read
 */
function pairOf(text: string, names: readonly string[]): readonly [string, string] {
  const pair = text === '' ? [names[0]!, names.at(-1)!] : listed(text);
  if (pair.length !== 2 || pair[0] === pair[1] || !pair.every((name) => names.includes(name)))
    throw new ArgumentError(`--set between: expected two of ${names.join(', ')}, got "${text}"`);
  return pair as [string, string];
}

/** What is missing of what the recipe promises. */
function judged(metrics: Figures): string | undefined {
  const most = (name: string, bound: number): string | undefined =>
    metrics[name]! <= bound
      ? undefined
      : `authors: expected ${name} of at most ${bound.toFixed(3)}, got ${metrics[name]?.toFixed(3)}`;
  return most('test.bits', promised) ?? most('test.newAuthor.bits', metrics['test.newAuthor.before']! + 0.02);
}

/** A language model for each author from a code of the author, by one hypernetwork. */
export const authors: Recipe = {
  name: 'authors',
  summary:
    'one hypernetwork generates the character model of each of eight authors from a learned code; a new one by code',
  reference: 'no published figures; the controls have as many parameters and read the same batches',
  options,
  seeds: 3,
  prepare,
};
