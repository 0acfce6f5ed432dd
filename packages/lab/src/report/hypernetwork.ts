import type { Engine } from 'hyperloom/engine';
import type { Inspection } from 'hyperloom/hyper';
import type { NdArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Picture, Trial } from '../recipes/recipe.ts';
import { type CodeTable, type Diagnosis, diagnose } from '../run/diagnose.ts';
import {
  activityColumns,
  activityRow,
  codeFor,
  generating,
  inspectRun,
  movementColumns,
  movementRow,
  percent,
  weightColumns,
  weightRow,
} from '../run/weights.ts';
import { plot } from './charts.ts';
import { escaped, tableHtml } from './html.ts';
import { codeSheet, kernelSheet } from './kernels.ts';
import { colourOf } from './palette.ts';

/** What a report says of a hypernetwork. */
export interface HypernetworkPart {
  readonly html: string;
  readonly pictures: readonly Picture[];
}

/** The main model's weights, how they move with the code, stuck units and the space of codes; empty for other models. */
export async function hypernetworkPart(
  whole: Trial,
  wholeRun: Run<Trainable> | undefined,
  seed: number,
  engine: Engine,
): Promise<HypernetworkPart> {
  const found = wholeRun && generating(whole, wholeRun, engine);
  if (found === undefined || !('materialise' in found.run.model)) return { html: '', pictures: [] };
  const { trial, run } = found;
  const diagnosis = await diagnose(trial, run);
  const inspection = hasCode(trial) ? await inspectRun(found, seed, engine, codeFor(trial, undefined)) : undefined;
  const code = trial.codes?.[0] === undefined ? '' : ` for the code ${trial.codes[0].name}`;
  const warnings = [...(inspection?.warnings ?? []), ...diagnosis.warnings];
  const html = [
    ...(inspection === undefined ? [] : [`<h2>Weights${escaped(code)}</h2>${weightTable(inspection)}`]),
    ...diagnosisHtml(diagnosis),
    ...warnings.map((warning) => `<p><strong>Warning.</strong> ${escaped(warning)}</p>`),
  ];
  return {
    html: html.join('\n'),
    pictures: [...(await weightPictures(trial, run)), ...diagnosis.codes.map(codeSpace)],
  };
}

/** Whether weights can be generated without a caller: the model reads no code, or the recipe gives an example of one. */
const hasCode = ({ codes, codeSize }: Trial): boolean =>
  codes === undefined ? codeSize === undefined : codes.length > 0;

function weightTable({ weights, total, direct, generated, generator, compression }: Inspection): string {
  const table = tableHtml(weightColumns, weights.map(weightRow));
  const n = (value: number) => value.toLocaleString('en-US');
  return `${table}<p>${n(generated)} weights are generated from ${n(generator)} parameters, ${Number(compression.toPrecision(3))} times as many. All parameters: ${n(total)}, against ${n(direct)} trained directly.</p>`;
}

function diagnosisHtml({ sensitivity, activity }: Diagnosis): string[] {
  const parts: string[] = [];
  if (sensitivity !== undefined) {
    const { weights, outputs, loss } = sensitivity;
    const losses =
      loss === undefined
        ? ''
        : ` The loss is ${loss.own.toPrecision(4)} with each example's code and ${loss.shuffled.toPrecision(4)} with those of others.`;
    parts.push(
      `<h2>Does the code matter?</h2>${tableHtml(movementColumns, weights.map(movementRow))}<p>The code of another example moves an output by ${percent(outputs)} of what two examples differ by.${losses}</p>`,
    );
  }
  if (activity !== undefined)
    parts.push(`<h2>Units</h2>${tableHtml(activityColumns, activity.layers.map(activityRow))}`);
  return parts;
}

/** Codes and matrices that are pictured at most. */
const [mostCodes, mostMatrices, longest] = [32, 4, 128];

/** Generated weights over codes, and the largest matrices and kernels for the first code. */
async function weightPictures(trial: Trial, run: Run<Trainable>): Promise<Picture[]> {
  if (!hasCode(trial)) return [];
  const codes = trial.codes?.slice(0, mostCodes) ?? [];
  const first = await run.generate(codeFor(trial, undefined));
  const made: Picture[] = [];
  if (codes.length > 1) {
    const rows: Readonly<Record<string, NdArray>>[] = [];
    for (const { code } of codes) rows.push(await run.generate(code));
    made.push({
      name: 'weights.codes.png',
      caption: `Generated weights: a row for each code (${codes.map(({ name }) => name).join(', ')}), a block for each of ${Object.keys(first).join(', ')}, on a scale of its own; blue is negative, red positive.`,
      content: codeSheet(rows),
    });
  }
  const drawn = Object.entries(first)
    .filter(([, { shape }]) => (shape.length === 2 || shape.length === 4) && shape.every((size) => size <= longest))
    .filter(([, { shape, data }]) => data.length > 1 && (shape.length === 4 || Math.min(...shape) > 1))
    .sort(([, a], [, b]) => b.data.length - a.data.length)
    .slice(0, mostMatrices);
  for (const [path, weights] of drawn) {
    const kernels = weights.shape.length === 4;
    const on = codes[0] === undefined ? '' : ` for the code ${codes[0].name}`;
    made.push({
      name: `${kernels ? 'kernels' : 'weights'}.${path}.png`,
      caption: kernels
        ? `${path} as generated${on}: a row for each output channel, a column for each input channel; blue is negative, red positive.`
        : `${path} as generated${on}: a row for each input, a column for each output; blue is negative, red positive.`,
      content: kernelSheet(weights),
    });
  }
  return made;
}

/** Tables of more codes than this have one colour for all. */
const mostColours = 12;

/** Ends of an axis, with room at both sides of the values. */
function around(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(0.1 * (most - least), 1e-3);
  const step = 10 ** Math.floor(Math.log10(most - least + room)) / 2;
  const round = (value: number) => Number(value.toPrecision(6));
  return [round(step * Math.floor((least - room) / step)), round(step * Math.ceil((most + room) / step))];
}

/** The codes of a table along the two directions in which they differ most. */
function codeSpace({ path, names, projection }: CodeTable): Picture {
  const { points, explained } = projection;
  const series =
    names.length > mostColours
      ? [{ name: `${names.length} codes`, points, colour: colourOf(0), mark: 'points' as const, size: 5 }]
      : names.map((name, i) => ({
          name,
          points: [points[i]!],
          colour: colourOf(i),
          mark: 'points' as const,
          named: true,
          size: 10,
        }));
  const share = explained.map(percent);
  return {
    name: `codes.${path.replaceAll(' ', '-')}.svg`,
    caption: `${path} along the two directions in which its rows differ most: ${share.join(' and ')} of the variance.`,
    content: plot(path, series, {
      x: `first principal component (${share[0]}); upwards the second (${share[1]})`,
      limits: { x: around(points.map(([x]) => x)), y: around(points.map(([, y]) => y)) },
    }),
  };
}
