import type { RunEvent } from '../run/execute.ts';
import { jsonLine, line, short } from './output.ts';

/** Shows the events of a run. */
export interface Display {
  show(event: RunEvent): void;
  /** Ends a line that is still being rewritten. */
  end(): void;
}

const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
};

/** `main`, `main/task1`, `control, seed 2 (3 of 5)`. */
function label(event: RunEvent, seeds: readonly number[]): string {
  const name = 'phase' in event && event.phase !== undefined ? `${event.trial}/${event.phase}` : event.trial;
  if (seeds.length === 1) return name;
  return `${name}, seed ${event.seed} (${seeds.indexOf(event.seed) + 1} of ${seeds.length})`;
}

/** One JSON object a line. */
export const jsonDisplay: Display = { show: jsonLine, end: () => {} };

/** A line that is rewritten on a terminal; a line now and then when the output goes elsewhere. */
export function textDisplay(stream: NodeJS.WriteStream, seeds: readonly number[]): Display {
  let total = 0;
  let told = '';
  let open = false;
  let lastPlain = 0;
  const end = () => {
    if (open) stream.write('\n');
    open = false;
  };
  const rewrite = (text: string) => {
    stream.write(`\r\x1b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
    open = true;
  };
  return {
    end,
    show: (event) => {
      const name = label(event, seeds);
      if (event.event === 'start') {
        total = event.steps;
        told = '';
        const from = event.step > 0 ? `, going on at step ${event.step}` : '';
        line(
          `${name}: ${event.parameters.toLocaleString('en-US')} parameters, ${event.steps} steps, compiled in ${Math.round(event.compileMs)} ms${from}`,
        );
      } else if (event.event === 'eval') {
        told = Object.entries(event.metrics)
          .map(([metric, value]) => `${metric} ${value.toFixed(4)}`)
          .join(', ');
        if (!stream.isTTY) line(`${name}: step ${event.step}, validation ${told}`);
      } else if (event.event === 'step') {
        const how = event.metrics?.return ?? event.loss;
        const now = `${event.metrics?.return === undefined ? 'loss' : 'return'} ${how.toFixed(4)}`;
        const speed = `${event.stepsPerSecond.toFixed(0)} steps/s, ${duration(event.secondsLeft)} left`;
        if (stream.isTTY) {
          const filled = Math.round((20 * event.step) / total);
          rewrite(
            `${name} [${'#'.repeat(filled)}${'.'.repeat(20 - filled)}] ${event.step}/${total}  ${now}  ${speed}${told && `  validation ${told}`}`,
          );
        } else if (performance.now() - lastPlain > 5_000) {
          lastPlain = performance.now();
          line(`${name}: step ${event.step} of ${total}, ${now}, ${speed}`);
        }
      } else if (event.event === 'stop') {
        end();
        const why = {
          steps: 'done',
          early: 'stopped early: no more progress on the validation set',
          signal: 'stopped by a signal',
        }[event.reason];
        line(`${name}: step ${event.step}, ${why}`);
      } else if (event.event === 'test') {
        const figures = Object.entries(event.metrics).map(([metric, value]) => `${metric} ${short(value)}`);
        line(`${name}: test ${figures.join(', ')}`);
      }
    },
  };
}
