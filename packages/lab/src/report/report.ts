import { extname, join } from 'node:path';
import type { Engine } from 'hyperloom/engine';
import type { Experiment, Picture, Recipe } from '../recipes/recipe.ts';
import type { Outcome } from '../run/execute.ts';
import type { RunFolder } from '../run/folder.ts';
import type { Journal } from '../run/journal.ts';
import { resultTable } from '../run/summary.ts';
import { standalone } from './charts.ts';
import { escaped, page, tableHtml } from './html.ts';
import { hypernetworkPart } from './hypernetwork.ts';
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
  const { folder, journal, recipe, experiment, outcome, engine } = parts;
  const results = outcome.seeds[0]?.results ?? [];
  const first = journal.lines.filter(({ seed }) => seed === undefined || seed === folder.config.seed);
  const own = (await experiment.pictures?.(results)) ?? [];
  const hyper = await hypernetworkPart(experiment.trials[0], results[0]?.run, folder.config.seed, engine);
  const pictures: readonly Picture[] = [
    ...trainingCurves(experiment.trials, first),
    ...own,
    // A recipe's own picture of a name takes the place of the general one.
    ...hyper.pictures.filter(({ name }) => own.every((picture) => picture.name !== name)),
  ];
  for (const { name, content } of pictures)
    await folder.write(join('report', name), typeof content === 'string' ? standalone(content) : content);
  const figures = pictures.map(
    (picture) => `<figure>${inline(picture)}<figcaption>${escaped(picture.caption)}</figcaption></figure>`,
  );
  const { head, rows, note } = resultTable(experiment, outcome.seeds);
  const settings: [string, string | number][] = [
    ['seed', folder.config.seed],
    ['seeds', folder.seeds.length],
    ['steps', folder.config.steps ?? "the recipe's own"],
    ...Object.entries(folder.config.settings).map(([key, value]): [string, string] => [key, String(value)]),
    ...Object.entries(folder.config.versions ?? {}),
  ];
  const body = [
    `<h1>${escaped(recipe.name)}</h1><p>${escaped(recipe.summary)}</p>`,
    `<h2>Result</h2>${tableHtml(head, rows)}<p>${note === '' ? '' : `Figures: ${escaped(note)}.<br>`}Published: ${escaped(recipe.reference)}.<br>The run took ${journal.elapsed.toFixed(1)} s.</p>`,
    `<h2>Pictures</h2>${folder.seeds.length > 1 ? `<p>Pictures and weights are those of seed ${folder.config.seed}.</p>` : ''}<div class="row">${figures.join('')}</div>`,
    hyper.html,
    `<h2>Settings</h2>${tableHtml(['setting', 'value'], settings)}`,
  ];
  await folder.write(join('report', 'index.html'), page(`${recipe.name}: Hyperloom`, body.join('\n')));
  return join(folder.path, 'report', 'index.html');
}

/** A picture within the page; the end of its name says what its bytes are. */
export const inline = ({ name, content }: Pick<Picture, 'name' | 'content'>): string =>
  typeof content === 'string'
    ? content
    : `<img alt="" src="data:image/${extname(name).slice(1)};base64,${Buffer.from(content).toString('base64')}">`;
