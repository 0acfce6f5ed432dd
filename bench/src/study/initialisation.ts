/** `npm run init -w bench`: the tables and pictures of docs/initialisation.md. */
import { parseArgs } from 'node:util';
import { ortEngine } from 'hyperloom/engine/ort';
import { heads, type VarianceReport } from 'hyperloom/hyper';
import { plot, type Series, standalone } from '../../../packages/lab/src/report/charts.ts';
import { colourOf } from '../../../packages/lab/src/report/palette.ts';
import { machine, showMachine } from '../machine.ts';
import { median } from '../statistics.ts';
import { figure, markdown, updateDocument, worstRatio, writePicture } from './document.ts';
import { startsTable } from './headStarts.ts';
import { type Learning, lastLoss, learn, overTasks, varianceOf } from './learn.ts';
import { type Scheme, schemes } from './schemes.ts';
import { cnn6, digits, mlp6, type StudyTarget, type Task } from './tasks.ts';

/** Mean loss of 20 steps at which a run has got there. */
const goal = 0.6;
/** Keys of the variance check. */
const keys = 41;
const studies = [
  { name: 'mlp', target: mlp6(), steps: 300 },
  { name: 'cnn', target: cnn6(), steps: 400 },
] as const;

interface Outcome {
  readonly scheme: Scheme;
  readonly variance: VarianceReport;
  readonly runs: readonly Learning[];
}

async function outcomeOf(
  scheme: Scheme,
  target: StudyTarget,
  task: Task,
  settings: Settings,
  steps: number,
): Promise<Outcome> {
  const engine = ortEngine({ threads: 1, spinning: false });
  try {
    const model = overTasks(target, task, heads.dense({ hidden: [32], init: scheme.init }), scheme.options);
    const variance = await varianceOf(engine, model, task, keys);
    const runs: Learning[] = [];
    for (let seed = 0; seed < settings.seeds; seed++)
      runs.push(await learn(engine, model, task, { seed, steps, rate: settings.rate, goal }));
    return { scheme, variance, runs };
  } finally {
    await engine.dispose();
  }
}

/** Median and range, when every run got there. */
function spread(values: readonly number[], all: boolean): string {
  if (values.length === 0) return '-';
  const range = `${figure(Math.min(...values))} to ${figure(Math.max(...values))}`;
  return all ? `${figure(median(values))} (${range})` : range;
}

function tableOf(outcomes: readonly Outcome[]): string {
  const header = ['start', 'activations', 'gradients', 'first loss', `steps to ${goal}`, 'seconds', 'got there'];
  const rows = outcomes.map(({ scheme, variance, runs }) => {
    const there = runs.filter(({ reached }) => reached !== undefined);
    const all = there.length === runs.length;
    return [
      scheme.title,
      worstRatio(variance, 'activation'),
      worstRatio(variance, 'gradient'),
      figure(median(runs.map(({ losses }) => losses[0]!))),
      spread(
        there.map(({ reached }) => reached!),
        all,
      ),
      all ? figure(median(there.map(({ seconds }) => seconds))) : '-',
      `${there.length} of ${runs.length}`,
    ];
  });
  return markdown(header, rows);
}

/** One curve for each scheme; more than there are colours are dashed. */
const seriesOf = (outcomes: readonly Outcome[], points: (outcome: Outcome) => [number, number][]): Series[] =>
  outcomes.map((outcome, i) => ({
    name: outcome.scheme.title,
    points: points(outcome),
    colour: colourOf(i),
    dashed: i >= 7,
    mark: 'line',
  }));

const ratiosByLayer = ({ variance }: Outcome): [number, number][] =>
  variance.layers
    .filter(({ path, activation }) => activation.ratio !== undefined && /layer\d$|conv\d$|fc$/.test(path))
    .map(({ activation }, i) => [i + 1, activation.ratio!]);

/** The median over seeds of the mean of the last losses, as far as most of the runs went. */
function learningCurve({ runs }: Outcome): [number, number][] {
  const points: [number, number][] = [];
  for (let step = 20; ; step += 10) {
    const going = runs.filter(({ losses }) => losses.length >= step);
    if (going.length * 2 <= runs.length) return points;
    points.push([step, median(going.map(({ losses }) => lastLoss(losses.slice(0, step))))]);
  }
}

interface Settings {
  readonly seeds: number;
  readonly rate: number;
  readonly only: readonly string[];
  readonly write: boolean;
}

function settingsOf(argv: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seeds: { type: 'string', default: '5' },
      rate: { type: 'string', default: '0.001' },
      only: { type: 'string', default: 'mlp,cnn,heads' },
      write: { type: 'boolean', default: false },
    },
  });
  const [seeds, rate] = [Number(values.seeds), Number(values.rate)];
  if (!(Number.isInteger(seeds) && seeds > 0))
    throw new Error(`--seeds: expected a whole number from 1, got '${values.seeds}'`);
  if (!(rate > 0)) throw new Error(`--rate: expected a number above 0, got '${values.rate}'`);
  return { seeds, rate, only: values.only.split(','), write: values.write };
}

/** When and where a table was taken, below it. */
function taken({ rate }: Settings, seeds: number, begin: number): string {
  const seconds = Math.round((performance.now() - begin) / 1000);
  return `${showMachine(machine())}; one thread, Adam ${rate}, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, ${seconds} s in all.`;
}

async function study(
  { name, target, steps }: (typeof studies)[number],
  task: Task,
  settings: Settings,
): Promise<string> {
  const begin = performance.now();
  const outcomes: Outcome[] = [];
  for (const scheme of schemes) {
    process.stderr.write(`${target.title}: ${scheme.title}\n`);
    outcomes.push(await outcomeOf(scheme, target, task, settings, steps));
  }
  if (settings.write) {
    const titles = {
      variance: `${target.title}: activations beside the ordinary start`,
      loss: `${target.title}: loss`,
    };
    const variance = plot(titles.variance, seriesOf(outcomes, ratiosByLayer), {
      x: 'layer',
      log: { y: true },
      // Ordinary Kaiming leaves the picture at the second layer.
      limits: { y: [0.01, 10_000] },
    });
    const loss = plot(titles.loss, seriesOf(outcomes, learningCurve), { x: 'step', limits: { y: [0.4, 3] } });
    writePicture(`initialisation-${name}-variance.svg`, titles.variance, standalone(variance));
    writePicture(`initialisation-${name}-loss.svg`, titles.loss, standalone(loss));
  }
  return `${tableOf(outcomes)}\n\n${taken(settings, settings.seeds, begin)}`;
}

async function otherHeads(task: Task, settings: Settings): Promise<string> {
  const begin = performance.now();
  const seeds = Math.min(3, settings.seeds);
  const compared = schemes.filter(({ everyHead }) => everyHead);
  const table = await startsTable(mlp6(), task, { schemes: compared, seeds, steps: 200, rate: settings.rate });
  return `${table}\n\n${taken(settings, seeds, begin)}`;
}

async function main(settings: Settings): Promise<void> {
  const task = await digits();
  const parts = [
    ...studies.map((part) => ({ name: part.name, run: () => study(part, task, settings) })),
    { name: 'heads', run: () => otherHeads(task, settings) },
  ].filter(({ name }) => settings.only.includes(name));
  for (const { name, run } of parts) {
    const section = await run();
    console.log(`\n${name}\n\n${section}`);
    if (settings.write) updateDocument('initialisation.md', { [name]: section });
  }
}

try {
  await main(settingsOf(process.argv.slice(2)));
} catch (error) {
  console.error(`init: ${(error as Error).message}`);
  process.exitCode = 1;
}
