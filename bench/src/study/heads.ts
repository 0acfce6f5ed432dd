/** `npm run heads -w bench`: the tables of docs/heads.md, over every head that `hyper.candidates` lists. */
import { parseArgs } from 'node:util';
import { ortEngine } from 'hyperloom/engine/ort';
import * as hyper from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { machine, showMachine } from '../machine.ts';
import { figure, markdown, updateDocument, worstRatio } from './document.ts';
import { codeSize, generationMs, lastLoss, learn, overTasks, type StudyModel, stored, varianceOf } from './learn.ts';
import { cnn6, digits, embeddings, mlp6, residual, type StudyTarget, sums, type Task } from './tasks.ts';

const steps = 200;
const rate = 1e-3;

const targets: Readonly<Record<string, StudyTarget>> = {
  mlp: mlp6(),
  cnn: cnn6(true),
  residual: residual(),
  embedding: embeddings(),
};

/** What generates, or undefined for stored weights. */
interface Row {
  readonly title: string;
  model(target: StudyTarget, task: Task): StudyModel;
}

const rows: readonly Row[] = [
  ...Object.entries(hyper.candidates).map(([title, { make }]) => ({
    title,
    model: (target: StudyTarget, task: Task) => {
      const { generated } = hyper.select(target.module.spec, ['**']);
      return overTasks(target, task, make(generated, { size: codeSize, secondMoment: 1 }));
    },
  })),
  { title: 'none: weights stored', model: stored },
];

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

/** Heads of the library that no candidate stands for. */
function missing(): string[] {
  const target = hyper.select(targets.mlp!.module.spec, ['**']).generated;
  const shown = new Set(
    Object.values(hyper.candidates).map(({ make }) => make(target, { size: codeSize, secondMoment: 1 }).name),
  );
  return Object.keys(hyper.heads).filter((name) => !shown.has(name));
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
  const without = missing();
  if (without.length > 0)
    console.log(`\nHeads that no candidate stands for, and so without a row: ${without.join(', ')}`);
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
