import { ortEngine } from 'hyperloom/engine/ort';
import { type AnyHead, type HeadInit, heads } from 'hyperloom/hyper';
import { median } from '../statistics.ts';
import { figure, markdown, worstRatio } from './document.ts';
import { lastLoss, learn, overTasks, varianceOf } from './learn.ts';
import type { Scheme } from './schemes.ts';
import type { StudyTarget, Task } from './tasks.ts';

/** Every head that takes a scheme; `compose` leaves that to its parts. */
export const starts: Readonly<Record<string, (init: HeadInit) => AnyHead>> = {
  dense: (init) => heads.dense({ hidden: [32], init }),
  lowRank: (init) => heads.lowRank({ rank: 4, init }),
  experts: (init) => heads.experts({ count: 4, gate: 'softmax', init }),
  chunked: (init) => heads.chunked({ chunk: 512, embedding: 8, hidden: [32], init }),
  layerwise: (init) => heads.layerwise({ embedding: 8, init }),
  coordinate: (init) => heads.coordinate({ hidden: [32, 32], init }),
  graph: (init) => heads.graph({ hidden: 32, init }),
  scale: (init) => heads.scale({ init }),
};

/** What every head is tried with. */
interface Trying {
  readonly schemes: readonly Scheme[];
  readonly seeds: number;
  readonly steps: number;
  readonly rate: number;
}

/**
 * For each head and scheme the loss that some steps reach, the median over seeds, and the activation ratio that is
 * furthest from 1.
 */
export async function startsTable(
  target: StudyTarget,
  task: Task,
  { schemes, seeds, steps, rate }: Trying,
): Promise<string> {
  const table: string[][] = [];
  for (const [name, head] of Object.entries(starts)) {
    process.stderr.write(`${target.title}: ${name}\n`);
    const cells: string[] = [];
    for (const { init, options } of schemes) {
      const engine = ortEngine({ threads: 1, spinning: false });
      const model = overTasks(target, task, head(init), options);
      const ratio = worstRatio(await varianceOf(engine, model, task, 41), 'activation');
      const reached: number[] = [];
      for (let seed = 0; seed < seeds; seed++)
        reached.push(lastLoss((await learn(engine, model, task, { seed, steps, rate })).losses));
      await engine.dispose();
      cells.push(`${figure(median(reached))} (${ratio})`);
    }
    table.push([`\`${name}\``, ...cells]);
  }
  return markdown(['head', ...schemes.map(({ title }) => title)], table);
}
