import { join } from 'node:path';
import type { Engine } from 'hyperloom/engine';
import type { Inspection } from 'hyperloom/hyper';
import type { Experiment, Picture, Recipe, Trial } from '../recipes/recipe.ts';
import type { Outcome } from '../run/execute.ts';
import type { RunFolder } from '../run/folder.ts';
import type { Journal } from '../run/journal.ts';
import { resultTable } from '../run/summary.ts';
import { codeFor, inspectRun, weightColumns, weightRow } from '../run/weights.ts';
import { standalone } from './charts.ts';
import { escaped, page, tableHtml } from './html.ts';
import { trainingCurves } from './training.ts';

/** What a report is made from. */
export interface ReportParts {
  readonly folder: RunFolder;
  readonly journal: Journal;
  readonly recipe: Recipe;
  readonly experiment: Experiment;
  readonly outcome: Outcome;
  readonly engine: Engine;
}

/** Writes `report/index.html`, complete in itself, and its pictures; gives the path of the page. */
export async function writeReport(parts: ReportParts): Promise<string> {
  const { folder, journal, recipe, experiment, outcome } = parts;
  const results = outcome.seeds[0]?.results ?? [];
  const first = journal.lines.filter(({ seed }) => seed === undefined || seed === folder.config.seed);
  const pictures: readonly Picture[] = [
    ...trainingCurves(experiment.trials, first),
    ...((await experiment.pictures?.(results)) ?? []),
  ];
  for (const { name, content } of pictures)
    await folder.write(join('report', name), typeof content === 'string' ? standalone(content) : content);
  const figures = pictures.map(
    ({ caption, content }) => `<figure>${inline(content)}<figcaption>${escaped(caption)}</figcaption></figure>`,
  );
  const { head, rows, note } = resultTable(experiment, outcome.seeds);
  const settings: [string, string | number][] = [
    ['seed', folder.config.seed],
    ['seeds', folder.seeds.length],
    ...Object.entries(folder.config.settings).map(([key, value]): [string, string] => [key, String(value)]),
    ...Object.entries(folder.config.versions ?? {}),
  ];
  const body = [
    `<h1>${escaped(recipe.name)}</h1><p>${escaped(recipe.summary)}</p>`,
    `<h2>Result</h2>${tableHtml(head, rows)}<p>${note === '' ? '' : `Figures: ${escaped(note)}.<br>`}Published: ${escaped(recipe.reference)}.<br>The run took ${journal.elapsed.toFixed(1)} s.</p>`,
    `<h2>Pictures</h2><div class="row">${figures.join('')}</div>`,
    await weights(parts),
    `<h2>Settings</h2>${tableHtml(['setting', 'value'], settings)}`,
  ];
  await folder.write(join('report', 'index.html'), page(`${recipe.name}: Hyperloom`, body.join('\n')));
  return join(folder.path, 'report', 'index.html');
}

const inline = (content: string | Uint8Array): string =>
  typeof content === 'string'
    ? content
    : `<img alt="" src="data:image/png;base64,${Buffer.from(content).toString('base64')}">`;

/** Whether weights can be generated without a caller: the model reads no code, or the recipe gives an example of one. */
const hasCode = ({ codes, codeSize }: Trial): boolean =>
  codes === undefined ? codeSize === undefined : codes.length > 0;

/** What the main model generates and stores, where it is a hypernetwork and a code for it is known. */
async function weights({ experiment, outcome, folder, engine }: ReportParts): Promise<string> {
  const [trial] = experiment.trials;
  const run = outcome.seeds[0]?.results[0]?.run;
  if (run === undefined || !('materialise' in run.model) || !hasCode(trial)) return '';
  const inspection = await inspectRun(run, folder.config.seed, engine, codeFor(trial, undefined));
  const code = trial.codes?.[0] === undefined ? '' : ` for the code ${trial.codes[0].name}`;
  return `<h2>Weights${escaped(code)}</h2>${weightTable(inspection)}`;
}

function weightTable({ weights, total, direct, generated, generator, compression }: Inspection): string {
  const table = tableHtml(weightColumns, weights.map(weightRow));
  const n = (value: number) => value.toLocaleString('en-US');
  return `${table}<p>${n(generated)} weights are generated from ${n(generator)} parameters, ${compression.toFixed(2)} times as many. All parameters: ${n(total)}, against ${n(direct)} trained directly.</p>`;
}
