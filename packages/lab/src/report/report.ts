import { join } from 'node:path';
import type { Inspection } from 'hyperloom/hyper';
import type { NdArray } from 'hyperloom/tensor';
import type { Experiment, Recipe } from '../recipes/recipe.ts';
import type { Outcome } from '../run/execute.ts';
import type { MetricsLine, RunFolder } from '../run/folder.ts';
import { weightColumns, weightRow } from '../run/weights.ts';
import { confusionMatrix, curves, type Series, standalone } from './charts.ts';
import { escaped, page, tableHtml } from './html.ts';
import { kernelSheet } from './kernels.ts';
import { palette } from './palette.ts';

/** What a report is made from. */
export interface ReportParts {
  readonly folder: RunFolder;
  readonly recipe: Recipe;
  readonly experiment: Experiment;
  readonly outcome: Outcome;
  /** What the main model generates and stores; absent where it is no hypernetwork. */
  readonly inspection: Inspection | undefined;
  /** The generated weights by path. */
  readonly generated: Readonly<Record<string, NdArray>>;
  readonly seconds: number;
  readonly lines: readonly MetricsLine[];
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** Writes `report/index.html`, complete in itself, and its pictures; gives the path of the page. */
export async function writeReport(parts: ReportParts): Promise<string> {
  const { folder, recipe, outcome, inspection, generated, seconds } = parts;
  const pictures: [name: string, caption: string, content: string | Uint8Array][] = [
    ['loss.svg', 'Loss over training steps.', curves('loss', series(parts, 'loss'), { log: true })],
    ['accuracy.svg', 'Accuracy on the validation set.', curves('validation accuracy', series(parts, 'accuracy'))],
    ...outcome.results.map(({ trial, confusion }): [string, string, string] => [
      `confusion.${trial.name}.svg`,
      `Test examples by true and predicted class: ${trial.title}.`,
      confusionMatrix(`${trial.title}: ${mistakes(confusion)}`, confusion, parts.experiment.classes.names),
    ]),
    ...Object.entries(generated)
      .filter(([, { shape }]) => shape.length === 4)
      .map(([path, weights]): [string, string, Uint8Array] => [
        `kernels.${path}.png`,
        `${path} as generated: a row for each output channel, a column for each input channel; blue is negative, red positive.`,
        kernelSheet(weights),
      ]),
  ];
  for (const [name, , content] of pictures)
    await folder.write(join('report', name), typeof content === 'string' ? standalone(content) : content);
  const figures = pictures.map(
    ([, caption, content]) => `<figure>${inline(content)}<figcaption>${escaped(caption)}</figcaption></figure>`,
  );
  const body = [
    `<h1>${escaped(recipe.name)}</h1><p>${escaped(recipe.summary)}</p>`,
    `<h2>Result</h2>${resultTable(outcome)}<p>Published: ${escaped(recipe.reference)}.<br>The last call of train took ${seconds.toFixed(1)} s.</p>`,
    `<h2>Pictures</h2><div class="row">${figures.join('')}</div>`,
    inspection ? `<h2>Weights</h2>${weightTable(inspection)}` : '',
    `<h2>Settings</h2>${tableHtml(['setting', 'value'], [['seed', folder.config.seed], ...Object.entries(folder.config.settings).map(([key, value]): [string, string] => [key, String(value)])])}`,
  ];
  await folder.write(join('report', 'index.html'), page(`${recipe.name}: Hyperloom`, body.join('\n')));
  return join(folder.path, 'report', 'index.html');
}

const inline = (content: string | Uint8Array): string =>
  typeof content === 'string'
    ? content
    : `<img alt="" src="data:image/png;base64,${Buffer.from(content).toString('base64')}">`;

/** `107 wrong of 10,000`. */
function mistakes(confusion: readonly (readonly number[])[]): string {
  const all = confusion.flat().reduce((sum, n) => sum + n, 0);
  const right = confusion.reduce((sum, row, i) => sum + row[i]!, 0);
  return `${(all - right).toLocaleString('en-US')} wrong of ${all.toLocaleString('en-US')}`;
}

/** Training (where logged) and validation values of a metric for each trial. */
function series({ experiment, lines }: ReportParts, metric: string): Series[] {
  return experiment.trials.flatMap((trial) => {
    const own = lines.filter((line) => line.trial === trial.name);
    const colour = trial.name === 'main' ? palette.main : palette.control;
    const training = own.flatMap((line): [number, number][] =>
      line.event === 'step' && typeof line[metric] === 'number' ? [[Number(line.step), line[metric]]] : [],
    );
    const validation = own.flatMap((line): [number, number][] => {
      const value = line.event === 'eval' ? (line.metrics as Record<string, number>)[metric] : undefined;
      return value === undefined ? [] : [[Number(line.step), value]];
    });
    return [
      { name: `${trial.title}, training`, points: training, colour },
      { name: `${trial.title}, validation`, points: validation, colour, dashed: training.length > 0 },
    ].filter(({ points }) => points.length > 0);
  });
}

function resultTable({ results, metrics }: Outcome): string {
  const parameters = [metrics['params.total'] ?? 0, metrics['params.direct'] ?? 0];
  const rows = results.map(({ trial, metrics: { accuracy = 0, loss = 0 } }, i) => [
    trial.title,
    parameters[i] ?? 0,
    percent(1 - accuracy),
    loss.toFixed(4),
  ]);
  return tableHtml(['', 'parameters', 'test error', 'test loss'], rows);
}

function weightTable({ weights, total, direct, generated, generator, compression }: Inspection): string {
  const table = tableHtml(weightColumns, weights.map(weightRow));
  const n = (value: number) => value.toLocaleString('en-US');
  return `${table}<p>${n(generated)} weights are generated from ${n(generator)} parameters, ${compression.toFixed(2)} times as many. All parameters: ${n(total)}, against ${n(direct)} trained directly.</p>`;
}
