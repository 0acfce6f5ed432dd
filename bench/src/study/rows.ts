import * as hyper from 'hyperloom/hyper';
import { codeSize, overTasks, type StudyModel, stored } from './learn.ts';
import type { StudyTarget, Task } from './tasks.ts';

/** A row of docs/heads.md. */
export interface Row {
  readonly title: string;
  model(target: StudyTarget, task: Task): StudyModel;
}

type Make = hyper.Candidate['make'];

/** The library's candidates, and what no planner would think of. */
const made: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(Object.entries(hyper.candidates).map(([title, { make }]) => [title, make])),
  'compose: lowRank for `**.weight`, dense for the rest': () =>
    hyper.heads.compose({ '**.weight': hyper.heads.lowRank({ rank: 4 }), '**': hyper.heads.dense() }),
};

const code = { size: codeSize, secondMoment: 1 };
const generatedOf = ({ module }: StudyTarget) => hyper.select(module.spec, ['**']).generated;

/** Every head, and the target with stored weights. */
export const rows: readonly Row[] = [
  ...Object.entries(made).map(([title, make]) => ({
    title,
    model: (target: StudyTarget, task: Task) => overTasks(target, task, make(generatedOf(target), code)),
  })),
  { title: 'none: weights stored', model: stored },
];

/** Heads of the library without a row. */
export function missing(target: StudyTarget): string[] {
  const shown = new Set(Object.values(made).map((make) => make(generatedOf(target), code).name));
  return Object.keys(hyper.heads).filter((name) => !shown.has(name));
}
