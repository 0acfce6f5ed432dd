import type { Command } from 'commander';
import type { Engine } from 'hyperloom/engine';
import { writeAtomic } from 'hyperloom/io';
import { ArgumentError, type NdArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Drawing } from '../recipes/recipe.ts';
import { squarePlaces } from '../recipes/tasks/places.ts';
import { engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { codeFor, codesOfTwo } from '../run/weights.ts';
import { number, whole } from './flags.ts';
import { jsonLine, line } from './output.ts';

interface DrawFlags {
  readonly code?: string;
  readonly between?: string;
  readonly share?: number;
  readonly size?: number;
  readonly out: string;
  readonly threads?: number;
  readonly json?: boolean;
}

const explanation = `
Examples:
  $ hyperloom draw runs/inr-0 --code hamburger --out hamburger.png
  $ hyperloom draw runs/inr-0 --between mouse,rabbit2 --share 0.25 --size 256 --out between.png

The network of the code is asked for a colour at the centre of each pixel, so that it draws at any size.`;

/** As many times the size of training, where none is said; and the largest side. */
const [larger, largest] = [4, 8192] as const;

/** `hyperloom draw RUN`: a picture that a generated network draws. */
export function addDraw(command: Command): void {
  command
    .command('draw')
    .description('draw a picture with the image network of a code')
    .argument('<run>', 'run folder')
    .requiredOption('--out <file>', 'PNG file to write')
    .option('--code <name>', 'the name of an example code (default: the first)')
    .option('--between <a,b>', 'two example codes: the code is on the line between them')
    .option('--share <s>', 'how far along it, from 0 (the first) to 1 (the second) (default: 0.5)', number(0))
    .option('--size <n>', 'pixels of a side (default: 4 times those of training)', whole(1))
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText('after', explanation)
    .action(async (path: string, flags: DrawFlags) => {
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      try {
        await draw(folder, flags, engine);
      } finally {
        await engine.dispose();
      }
    });
}

async function draw(folder: RunFolder, flags: DrawFlags, engine: Engine): Promise<void> {
  const { trial, run } = await reopen(folder, engine);
  const { images } = trial;
  if (images === undefined)
    throw new ArgumentError(
      `expected a run of a model that draws, such as inr, got ${folder.path}, a run of ${folder.config.recipe}`,
    );
  const { between, share = 0.5, size = larger * images.size, out } = flags;
  if (!/\.png$/i.test(out)) throw new ArgumentError(`--out: expected a file .png, got ${out}`);
  if (size > largest) throw new ArgumentError(`--size: expected at most ${largest}, got ${size}`);
  if (flags.share !== undefined && between === undefined)
    throw new ArgumentError(`--share: expected --between beside it, got ${share} alone`);
  if (between !== undefined && flags.code !== undefined)
    throw new ArgumentError('--between: expected no --code beside it, got one');
  if (share > 1) throw new ArgumentError(`--share: expected a number from 0 to 1, got ${share}`);
  const one = between === undefined ? codeFor(trial, flags.code) : undefined;
  const [from, to] = between === undefined ? [one, one] : codesOfTwo(trial, between);
  const colours = await coloursAt(run, images, { from, to, share, size });
  // Loaded here: charts and pictures are slow to load, and other commands need none.
  const { png } = await import('../report/imageGrid.ts');
  await writeAtomic(out, png({ shape: [3, size, size], data: colours }));
  if (flags.json) jsonLine({ event: 'done', out, size, ...(between === undefined ? {} : { between, share }) });
  else line(`written to ${out}: ${size} x ${size} pixels`);
}

/** Places that one call draws at most. */
const together = 2 ** 16;

/** Colours of a square picture [3, size, size], drawn in strips. */
async function coloursAt(
  run: Run<Trainable>,
  { draw }: Drawing,
  {
    from,
    to,
    share,
    size,
  }: { readonly from: unknown; readonly to: unknown; readonly share: number; readonly size: number },
): Promise<Float32Array> {
  const { data: places } = squarePlaces(size);
  const colours = new Float32Array(3 * size * size);
  const rows = Math.max(1, Math.floor(together / size)) * size;
  for (let first = 0; first < size * size; first += rows) {
    const strip = places.slice(2 * first, 2 * (first + rows));
    const input: NdArray = { dtype: 'float32', shape: [strip.length / 2, 2], data: strip as Float32Array };
    const { data } = (await run.call(draw, from, to, share, input)) as NdArray;
    for (let i = 0; i < data.length; i++) colours[(i % 3) * size * size + first + Math.floor(i / 3)] = data[i]!;
  }
  return colours;
}
