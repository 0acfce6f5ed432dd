import type { Picture, Trial } from '../recipes/recipe.ts';
import type { MetricsLine } from '../run/journal.ts';
import { curves, type Series } from './charts.ts';
import { colourOf } from './palette.ts';

/** Pictures of how the trials of one seed trained: the loss, and each metric of steps and evaluations. */
export function trainingCurves(trials: readonly Trial[], lines: readonly MetricsLine[]): Picture[] {
  const namesIn = (kind: string) =>
    new Set(lines.flatMap(({ event, metrics }) => (event === kind ? Object.keys((metrics as object) ?? {}) : [])));
  const [validated, logged] = [namesIn('eval'), namesIn('step')];
  const metrics = new Set([...logged, ...validated]);
  metrics.delete('loss');
  const all = (metric: string) => trials.flatMap((trial, i) => series(trial, i, lines, metric));
  const loss = all('loss');
  const titles = [...metrics].map((metric) => {
    const named = words(metric);
    const where = validated.has(metric) ? ['on the validation set', 'in training'] : ['in training'];
    return {
      name: `${metric.replace(/[^\w-]/g, '-')}.svg`,
      caption: `${capital(named)} ${where.slice(0, logged.has(metric) ? 2 : 1).join(' and ')}.`,
      content: curves(logged.has(metric) ? named : `validation ${named}`, all(metric)),
    };
  });
  const picture = {
    name: 'loss.svg',
    caption: lines.some(({ phase }) => phase !== undefined)
      ? 'Loss over training steps; the phases of a trial stand one after another.'
      : 'Loss over training steps.',
    content: curves('loss', loss, { log: true }),
  };
  return loss.length === 0 ? titles : [picture, ...titles];
}

/** `explainedVariance` as `explained variance`. */
const words = (name: string): string =>
  name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Training (where logged) and validation values of a metric of one trial; its phases stand one after another. */
function series(trial: Trial, index: number, lines: readonly MetricsLine[], metric: string): Series[] {
  const training: [number, number][] = [];
  const validation: [number, number][] = [];
  let [phase, start, last]: [unknown, number, number] = [undefined, 0, 0];
  for (const line of lines) {
    if (line.trial !== trial.name || typeof line.step !== 'number') continue;
    if (line.phase !== phase) [phase, start] = [line.phase, last];
    last = start + line.step;
    const measured = (line.metrics as Record<string, number> | undefined)?.[metric];
    const value = line.event === 'eval' ? measured : (measured ?? line[metric]);
    if (typeof value === 'number') (line.event === 'eval' ? validation : training).push([last, value]);
  }
  const colour = colourOf(index);
  return [
    { name: `${trial.title}, training`, points: training, colour },
    { name: `${trial.title}, validation`, points: validation, colour, dashed: training.length > 0 },
  ].filter(({ points }) => points.length > 0);
}
