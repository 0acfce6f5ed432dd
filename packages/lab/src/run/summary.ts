import { countParams } from 'hyperloom/nn';
import type { Column, Experiment, Figures, TrialResult } from '../recipes/recipe.ts';
import type { SeedResult } from './execute.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation of a sample (divided by n - 1). */
function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** Means of all figures over seeds; where there are several, with a standard deviation of those that are no counts. */
export function overSeeds(seeds: readonly SeedResult[], counts: readonly string[]): Figures {
  const [first] = seeds;
  if (first === undefined) return {};
  const names = Object.keys(first.metrics);
  return Object.fromEntries(
    names.flatMap((name): [string, number][] => {
      const values = seeds.flatMap(({ metrics }) => metrics[name] ?? []);
      if (seeds.length === 1 || counts.includes(name)) return [[name, values[0]!]];
      return [
        [name, mean(values)],
        [`${name}.sd`, deviation(values)],
      ];
    }),
  );
}

/** Whether all cells of a column are numbers, with units and spreads, or empty: such columns stand to the right. */
export const numericColumn = (cells: readonly (string | number)[]): boolean =>
  cells.some((cell) => cell !== '') &&
  cells.every((cell) => typeof cell === 'number' || /^$|^[-+.\d][-+.\d,e%x±() to]*$/.test(cell));

/** Student's t at 97.5 %, by degrees of freedom from 2 on. */
const students = [4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262] as const;

/** How far the 95 % confidence interval of a mean goes, for a table of standard deviations. */
function confidence(seeds: number): string {
  const t = students[seeds - 3];
  return t === undefined ? '' : `; 95 % confidence of a mean: ± ${(t / Math.sqrt(seeds)).toFixed(2)} of these`;
}

/** A table of results: a row for each trial, then the published rows. */
export interface ResultTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the spreads in it are; empty for one seed. */
  readonly note: string;
}

/** The table of an experiment's columns, with means and spreads over seeds. */
export function resultTable(
  { columns, published = [] }: Pick<Experiment, 'columns' | 'published'>,
  seeds: readonly SeedResult[],
): ResultTable {
  const trials = seeds[0]?.results ?? [];
  const spread = seeds.length > 2 ? 'mean ± standard deviation' : 'mean (least to most)';
  return {
    head: ['', ...columns.map(({ title }) => title)],
    rows: [
      ...trials.map(({ trial }, i) => [
        trial.title,
        ...columns.map((column) =>
          cell(
            column,
            seeds.flatMap(({ results }) => figure(results[i]!, column.metric) ?? []),
          ),
        ),
      ]),
      ...published.map(({ title, cells }) => [title, ...columns.map((_, i) => cells[i] ?? '')]),
    ],
    note: seeds.length > 1 ? `${spread} over ${seeds.length} seeds${confidence(seeds.length)}` : '',
  };
}

function figure({ trial, metrics, seconds }: TrialResult, metric: string): number | undefined {
  if (metric === 'seconds') return metrics.seconds ?? seconds;
  if (metric === 'parameters') return metrics.parameters ?? trial.parameters ?? countParams(trial.model.spec as never);
  return metrics[metric];
}

const formats: Readonly<Record<Column['format'], (value: number) => string>> = {
  percent: (share) => `${(100 * share).toFixed(2)} %`,
  number: (value) => (value === 0 ? '0' : value.toPrecision(4)),
  integer: (value) => Math.round(value).toLocaleString('en-US'),
};

function cell({ format }: Column, values: readonly number[]): string {
  const show = formats[format];
  const centre = show(mean(values));
  if (values.length === 0) return '';
  if (values.every((value) => value === values[0])) return show(values[0]!);
  if (values.length > 2)
    return `${centre} ± ${format === 'number' ? deviation(values).toPrecision(2) : show(deviation(values))}`;
  return `${centre} (${show(Math.min(...values))} to ${show(Math.max(...values))})`;
}
