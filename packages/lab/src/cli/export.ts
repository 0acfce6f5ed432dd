import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Engine } from 'hyperloom/engine';
import { encodeSafetensors, writeAtomic } from 'hyperloom/io';
import { ArgumentError, type Aval, type NdArray, tree } from 'hyperloom/tensor';
import {
  type Compacted,
  codeAs,
  compact,
  type ExportForm,
  exportRun,
  openCheckpoint,
  openRun,
  type Run,
  type Trainable,
} from 'hyperloom/train';
import { engineOf } from '../run/engine.ts';
import { prepared } from '../run/execute.ts';
import { type Checked, checkFile, tolerance } from '../run/exported.ts';
import { RunFolder } from '../run/folder.ts';
import { recipeOf } from '../run/settings.ts';
import { codeFor, numbersIn } from '../run/weights.ts';
import { physicsFor } from './episode.ts';
import { gathered, whole } from './flags.ts';
import { jsonLine, line, table } from './output.ts';

interface Flags {
  readonly form: ExportForm;
  readonly out: string;
  readonly code?: string;
  readonly set?: readonly string[];
  readonly compact?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

/** `hyperloom export RUN`: the trained network as a file for other runtimes. */
export function addExport(command: Command): void {
  command
    .command('export')
    .description('write the trained network as an ONNX file, and run that in a process of its own to compare')
    .argument('<run>', 'run folder, or a checkpoint')
    .requiredOption('--out <file>', 'file to write: .onnx, or .safetensors for the weights alone (baked)')
    .option(
      '--form <form>',
      'baked: input to output; generator: code to weights; dynamic: code and input to output',
      'baked',
    )
    .option('--code <code>', 'the code to bake in: numbers such as 0.1,0.2, or the name of an example code')
    .option(
      '--set <physics.name=value>',
      'in place of --code: the body whose policy is baked; may be repeated',
      gathered,
    )
    .option('--compact', 'cut out what gates of 0 make useless: the smaller network of the code (baked)')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ hyperloom export runs/mnist --form baked --out digits.onnx\n  $ hyperloom export runs/gated --code 0.25 --compact --out small.onnx\n  $ hyperloom export runs/pendulum-family --set physics.length=0.7 --out policy.onnx',
    )
    .action(async (path: string, flags: Flags) => {
      const engine = await engineOf(flags);
      try {
        await exportTo(path, flags, engine);
      } finally {
        await engine.dispose();
      }
    });
}

async function exportTo(path: string, flags: Flags, engine: Engine): Promise<void> {
  const { form, out, code: text, json = false } = flags;
  if (flags.compact && form !== 'baked') throw new ArgumentError(`--compact: expected the form baked, got ${form}`);
  if (!/\.(onnx|safetensors)$/.test(out))
    throw new ArgumentError(`--out: expected a file .onnx or .safetensors, got ${out}`);
  const folder = path.endsWith('.safetensors') ? undefined : await RunFolder.open(path);
  const run = await openCheckpoint(folder === undefined ? path : await checkpointOf(folder), engine);
  const { input: types } = run.model;
  const source = 'materialise' in run.model ? (types as { readonly code?: unknown }).code : undefined;
  if (flags.set && (text !== undefined || form !== 'baked' || folder === undefined))
    throw new ArgumentError('--set: expected the form baked of a run folder, without --code, got one of these');
  const asked = () => (flags.set ? codeOfBody(folder!, flags.set) : codeOf(source, text, folder));
  const code = form === 'baked' ? codeAs(source, await asked()) : text;
  const small = flags.compact ? await compact(run, { code }) : undefined;
  if (out.endsWith('.safetensors')) return exportWeights(run, { form, out, code, json, small });
  const bytes = small
    ? await exportRun(openRun(small.module, small.params, engine), { form })
    : await exportRun(run, { form, ...(code !== undefined && { code }) });
  // A compact file is held to the whole network too.
  const checked = await checkFile(bytes, { run, form, code, types });
  await writeAtomic(out, bytes);
  report({ form, out, bytes: bytes.length, ...checked, ...(small && { multiplyAdds: small.multiplyAdds }) }, json);
}

/**
 * The checkpoint of the main trial; of one that trained in several phases, the last that was written.
 * @throws ArgumentError when there is none yet
 */
async function checkpointOf(folder: RunFolder): Promise<string> {
  const names = await readdir(folder.path);
  const own = names.filter((name) => /^checkpoint(\.main\.[\w-]+)?\.safetensors$/.test(name));
  const files = own.map(async (name) => {
    const path = join(folder.path, name);
    return { path, time: (await stat(path)).mtimeMs };
  });
  const last = (await Promise.all(files)).sort((a, b) => b.time - a.time)[0];
  if (last !== undefined) return last.path;
  throw new ArgumentError(
    `expected a run with a checkpoint, got ${folder.path}, which has none yet; go on with: ${folder.resuming}`,
  );
}

/** The code of the body that `--set` names. */
async function codeOfBody(folder: RunFolder, pairs: readonly string[]): Promise<readonly number[]> {
  const experiment = await prepared(recipeOf(folder.config.recipe), folder, folder.config.seed);
  const { world, physics } = physicsFor(experiment.trials[0], folder, pairs);
  if (world.code === undefined)
    throw new ArgumentError(`--set: expected a policy for a family of physics, got ${folder.path}, which is for one`);
  return world.code(physics);
}

/** The code that was given; the recipe is asked only for example codes, which it knows by name. */
async function codeOf(source: unknown, text: string | undefined, folder: RunFolder | undefined): Promise<unknown> {
  const numbers = text === undefined ? undefined : numbersIn(text);
  if (numbers !== undefined) {
    if (!isScalar(source) || numbers.length !== 1) return numbers;
    // Runtimes take a position below 0 for one from the end.
    if ((source as Aval).dtype === 'int32' && numbers[0]! < 0)
      throw new ArgumentError(`--code: expected the position of a code, from 0 upwards, got ${text}`);
    return numbers[0];
  }
  if (source === undefined || folder === undefined) return text;
  const experiment = await prepared(recipeOf(folder.config.recipe), folder, folder.config.seed);
  return codeFor(experiment.trials[0], text);
}

const isScalar = (source: unknown): boolean => tree.isLeaf(source) && (source as Partial<Aval>)?.shape?.length === 0;

/** The target's weights under its own names. */
async function exportWeights(
  run: Run<Trainable>,
  {
    form,
    out,
    code,
    json,
    small,
  }: { form: ExportForm; out: string; code: unknown; json: boolean; small: Compacted | undefined },
): Promise<void> {
  if (form !== 'baked') throw new ArgumentError(`--out: expected a file .onnx for the form ${form}, got ${out}`);
  const whole = 'materialise' in run.model ? (await run.materialise(code)).params : run.params;
  const weights = small?.params ?? whole;
  const arrays = tree.flatten<NdArray>(weights);
  const bytes = encodeSafetensors(arrays, { step: String(run.step) });
  await writeAtomic(out, bytes);
  if (json) jsonLine({ event: 'done', out, bytes: bytes.length, weights: Object.keys(arrays) });
  else line(`${Object.keys(arrays).length} weights, ${bytes.length.toLocaleString('en-US')} bytes, written to ${out}`);
}

interface Written {
  readonly form: ExportForm;
  readonly out: string;
  readonly bytes: number;
  /** Of a compact network. */
  readonly multiplyAdds?: Compacted['multiplyAdds'];
}

function report({ form, out, bytes, error, inputs, outputs, multiplyAdds }: Checked & Written, json: boolean): void {
  if (json) {
    jsonLine({ event: 'done', form, out, bytes, error, inputs, outputs, ...(multiplyAdds && { multiplyAdds }) });
    return;
  }
  const rows = (side: string, values: Checked['inputs']) =>
    Object.entries(values).map(([name, shape]) => [side, name, shape.join(' x ')]);
  line(table(['', 'name', 'shape'], [...rows('input', inputs), ...rows('output', outputs)]));
  line(
    `\nin a process of its own, batches of 1 and 5: within ${error.toExponential(1)} of the library (at most ${tolerance.toExponential()})`,
  );
  if (multiplyAdds) {
    const [before, after] = [multiplyAdds.before, multiplyAdds.after].map((n) => n.toLocaleString('en-US'));
    line(`${before} multiply-adds for one example before, ${after} compact`);
  }
  line(`${bytes.toLocaleString('en-US')} bytes written to ${out}`);
}
