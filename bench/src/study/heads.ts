/** `npm run heads -w bench`: the tables of docs/heads.md, over every head of the library. */
import { parseArgs } from 'node:util';
import { ortEngine } from 'hyperloom/engine/ort';
import * as nn from 'hyperloom/nn';
import { machine, showMachine } from '../machine.ts';
import { figure, markdown, updateDocument, worstRatio } from './document.ts';
import { generationMs, lastLoss, learn, varianceOf } from './learn.ts';
import { type Row, rows } from './rows.ts';
import { cnn6, digits, embeddings, mlp6, residual, type StudyTarget, sums, type Task } from './tasks.ts';

const steps = 200;
const rate = 1e-3;

const targets: Readonly<Record<string, StudyTarget>> = {
  mlp: mlp6(),
  cnn: cnn6(true),
  residual: residual(),
  embedding: embeddings(),
};

async function rowOf({ title, model: build }: Row, target: StudyTarget, task: Task): Promise<string[]> {
  const engine = ortEngine({ threads: 1, spinning: false });
  try {
    const model = build(target, task);
    const generation = await generationMs(engine, model, 30);
    const variance =
      generation === undefined ? '-' : worstRatio(await varianceOf(engine, model, task, 41), 'activation');
    const { losses, stepMs } = await learn(engine, model, task, { seed: 0, steps, rate });
    const parameters = nn.countParams(model.spec).toLocaleString('en');
    return [
      title,
      parameters,
      generation === undefined ? '-' : figure(generation),
      figure(stepMs),
      variance,
      figure(lastLoss(losses)),
    ];
  } catch (error) {
    process.exitCode = 1;
    return [`${title}: ${(error as Error).message}`, '-', '-', '-', '-', '-'];
  } finally {
    await engine.dispose();
  }
}

async function tableOf(target: StudyTarget, task: Task): Promise<string> {
  const begin = performance.now();
  const header = ['head', 'parameters', 'generation ms', 'step ms', 'variance ratio', `loss after ${steps}`];
  const table: string[][] = [];
  for (const row of rows) {
    process.stderr.write(`${target.title}: ${row.title}\n`);
    table.push(await rowOf(row, target, task));
  }
  const weights = nn.countParams(target.module.spec).toLocaleString('en');
  const seconds = Math.round((performance.now() - begin) / 1000);
  const taken = `${showMachine(machine())}; one thread, ${seconds} s in all.`;
  return `${weights} weights; ${task.title}.\n\n${markdown(header, table)}\n\n${taken}`;
}

async function main({ only, write }: { readonly only: readonly string[]; readonly write: boolean }): Promise<void> {
  const tasks = { digits: await digits(), sums: sums() };
  for (const [name, target] of Object.entries(targets).filter(([key]) => only.includes(key))) {
    const section = await tableOf(target, tasks[target.task]);
    console.log(`\n${target.title}\n\n${section}`);
    if (write) updateDocument('heads.md', { [name]: section });
  }
}

try {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: Object.keys(targets).join(',') },
      write: { type: 'boolean', default: false },
    },
  });
  await main({ only: values.only.split(','), write: values.write });
} catch (error) {
  console.error(`heads: ${(error as Error).message}`);
  process.exitCode = 1;
}
