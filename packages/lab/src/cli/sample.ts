import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Engine } from 'hyperloom/engine';
import { ArgumentError } from 'hyperloom/tensor';
import { openRun, type Run, type SymbolModel, sampler, type Trainable } from 'hyperloom/train';
import type { Language, Trial } from '../recipes/recipe.ts';
import { engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { codeFor, codesOfTwo } from '../run/weights.ts';
import { number, whole } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { jsonLine } from './output.ts';

interface SampleFlags {
  readonly prompt?: string;
  readonly length: number;
  readonly temperature: number;
  readonly seed: number;
  readonly code?: string;
  readonly between?: string;
  readonly share?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

const explanation = `
Examples:
  $ hyperloom sample runs/charlm-0 --prompt "Enter the" --length 300
  $ hyperloom sample runs/charlm-0 --temperature 0.5 --seed 7 --json
  $ hyperloom sample runs/authors-0 --code milton
  $ hyperloom sample runs/authors-0 --between bible,austen --share 0.25

The text is the prompt and what follows it, written as it is made; the same seed gives the same text. Each character is
drawn from the model's probabilities to the power of 1 / temperature; at 0 it is the likeliest one.`;

/** `hyperloom sample RUN`: text that a language model writes. */
export function addSample(command: Command): void {
  command
    .command('sample')
    .description('write text with the language model of a run')
    .argument('<run>', 'run folder')
    .option('--prompt <text>', 'text to go on from (default: the end of a line)')
    .option('--length <n>', 'characters to write', whole(1), 500)
    .option('--temperature <t>', 'how far to stray from what is likeliest', number(0), 0.8)
    .option('--seed <n>', 'names all randomness', whole(0), 0)
    .option('--code <code>', 'for a model that reads one: numbers such as 0.1,0.2, or the name of an example code')
    .option('--between <a,b>', 'two example codes: the code is on the line between them')
    .option('--share <s>', 'how far along it, from 0 (the first) to 1 (the second) (default: 0.5)', number(0))
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object, at the end')
    .addHelpText('after', explanation)
    .action(async (path: string, flags: SampleFlags) => {
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      const interrupt = interruptible();
      try {
        await sample(folder, flags, engine, interrupt.signal);
      } finally {
        interrupt.release();
        await engine.dispose();
      }
    });
}

async function sample(folder: RunFolder, flags: SampleFlags, engine: Engine, signal: AbortSignal): Promise<void> {
  const { trial, run } = await reopen(folder, engine);
  const { language } = trial;
  if (language === undefined)
    throw new ArgumentError(
      `expected a run of a language model, such as charlm, got ${folder.path}, a run of ${folder.config.recipe}`,
    );
  const { vocabulary, model } = language;
  const { length, temperature, seed, json = false } = flags;
  if (flags.share !== undefined && flags.between === undefined)
    throw new ArgumentError(`--share: expected --between beside it, got ${flags.share} alone`);
  const prompt = flags.prompt ?? (vocabulary.symbols.includes('\n') ? '\n' : vocabulary.symbols[0]!);
  const writer =
    flags.between === undefined
      ? sampler(await network(trial, run, engine, flags.code), model)
      : sampler(run, modelBetween(trial, flags));
  const options = { prompt: promptOf(language, prompt), length, temperature, seed };
  const began = performance.now();
  const out = json ? undefined : outlet();
  let text = '';
  await out?.write(prompt);
  for await (const piece of writer.sample(options)) {
    const more = vocabulary.decode(piece);
    text += more;
    await out?.write(more);
    // A turn of the event loop, in which signals and closed pipes are heard.
    await setImmediate();
    if (signal.aborted || out?.closed) break;
  }
  if (signal.aborted) {
    await out?.write('\n');
    process.stderr.write('hyperloom: stopped\n');
    process.exitCode = 1;
  } else if (json) {
    const seconds = (performance.now() - began) / 1000;
    jsonLine({ event: 'done', prompt, text, temperature, seed, seconds });
  } else await out?.write('\n');
}

/** As many characters are listed in an error. */
const shown = 150;

/** The numbers of a prompt's characters. */
function promptOf({ vocabulary: { symbols, encode } }: Language, prompt: string): Int32Array {
  if (prompt === '') throw new ArgumentError('--prompt: expected at least one character, got none');
  const known = new Set(symbols);
  const strange = [...prompt].find((symbol) => !known.has(symbol));
  if (strange !== undefined) {
    const some = JSON.stringify(symbols.slice(0, shown).join(''));
    const rest = symbols.length > shown ? ` and ${symbols.length - shown} more` : '';
    throw new ArgumentError(
      `--prompt: expected characters that the model has read (${some}${rest}), got ${JSON.stringify(strange)}`,
    );
  }
  return encode(prompt);
}

/** The network that writes: the model itself, or what it generates for a code. */
async function network(
  trial: Trial,
  run: Run<Trainable>,
  engine: Engine,
  text: string | undefined,
): Promise<Run<Trainable>> {
  const code = codeFor(trial, text);
  if (!('materialise' in run.model)) return run;
  const { module, params } = await run.materialise(code);
  return openRun(module, params, engine, run.step);
}

/** The network of a code between two. */
function modelBetween(trial: Trial, { between, share = 0.5, code }: SampleFlags): SymbolModel {
  if (code !== undefined) throw new ArgumentError('--between: expected no --code beside it, got one');
  if (share > 1) throw new ArgumentError(`--share: expected a number from 0 to 1, got ${share}`);
  const line = trial.language?.between;
  const [from, to] = codesOfTwo(line ? trial : { ...trial, codes: [] }, between!);
  return line!(from, to, share);
}

/** Where the text goes: writing waits while the reader is slow, and ends when it goes away. */
function outlet(): { readonly closed: boolean; write(text: string): Promise<void> } {
  const { stdout } = process;
  let closed = false;
  let awake = () => {};
  stdout.once('error', () => {
    closed = true;
    awake();
  });
  return {
    get closed() {
      return closed;
    },
    write: (text) =>
      closed || stdout.write(text)
        ? Promise.resolve()
        : new Promise((resolve) => {
            awake = resolve;
            stdout.once('drain', resolve);
          }),
  };
}
