/** `npm run agents -w bench`: the tables of docs/reinforcement.md. */
import { parseArgs } from 'node:util';
import { ortEngine } from 'hyperloom/engine/ort';
import { type AnyHead, biasHyperInit, type HeadInit, heads, hyperfanIn, kaimingInit } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import {
  actorCritic,
  cartPole,
  concatenated,
  evolution,
  type Family,
  fitness,
  generated,
  type Part,
  type Player,
  pendulum,
  ppo,
  reinforce,
  returns,
} from 'hyperloom/rl';
import { type Method, type Trainable, type TrainEvent, trainWith } from 'hyperloom/train';
import { machine, showMachine } from '../machine.ts';
import { markdown, updateDocument } from './document.ts';

/** What one training came to. */
interface Outcome {
  readonly history: readonly TrainEvent[];
  readonly seconds: number;
}

/** Trains under several seeds, one thread each. */
async function outcomesOf(
  agent: Trainable,
  method: Method<never>,
  { steps, seeds, lives }: { readonly steps: number; readonly seeds: number; readonly lives: number },
): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const engine = ortEngine({ threads: 1, spinning: false });
    const start = performance.now();
    const evaluate = returns({ every: steps, lives, seed: 1_000 }) as never;
    const run = await trainWith(agent as never, method, { steps, seed, engine, evaluate, logEvery: 1 });
    found.push({ history: run.history, seconds: (performance.now() - start) / 1000 });
    await run.dispose();
    await engine.dispose();
  }
  return found;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean and standard deviation over seeds. */
function spread(values: readonly number[], digits: number): string {
  const centre = mean(values);
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (values.length - 1));
  return values.length > 1 ? `${centre.toFixed(digits)} ± ${deviation.toFixed(digits)}` : `${centre.toFixed(digits)}`;
}

/** A metric of the last evaluation. */
const reached = ({ history }: Outcome): number =>
  history.findLast((event) => event.event === 'eval')?.metrics.return as number;

/** The mean of a metric of the first so many steps. */
const early = ({ history }: Outcome, metric: string, steps: number): number =>
  mean(history.flatMap((event) => (event.event === 'step' && event.step <= steps ? [event.metrics![metric]!] : [])));

const family = { gravity: [7, 13], mass: [0.7, 1.3], length: [0.7, 1.3], torque: [1.5, 2.5] } satisfies Family;

/** Whole features, as heads have them; parts of agents share them out by default. */
const whole = (init: HeadInit): AnyHead => heads.dense({ hidden: [32], init }) as AnyHead;

/** How the policy of a family of pendulums is generated, or told. */
async function headsTable(seeds: number): Promise<string> {
  const net = (inputs: number, width: number) =>
    nn.mlp({
      in: inputs,
      hidden: [width, width],
      out: 1,
      activation: nn.tanh,
      outInit: nn.init.normal({ std: 0.01 }),
    });
  const byHead = (head?: AnyHead) => generated(net(3, 64), { size: 4, ...(head && { head }) });
  const rows: readonly (readonly [string, Part])[] = [
    ['the default: Bias-HyperInit, features shared out', byHead()],
    ['Bias-HyperInit, whole features', byHead(whole(biasHyperInit()))],
    ['hyperfan-in, whole features', byHead(whole(hyperfanIn()))],
    ['Kaiming, whole features', byHead(whole(kaimingInit()))],
    ['not generated: told the body', concatenated(net(7, 64))],
  ];
  const [steps, epochs, batches] = [60, 5, 4];
  const table: string[][] = [];
  for (const [title, policy] of rows) {
    process.stderr.write(`${title}\n`);
    const schedule = optim.linear({ initial: 3e-3, end: 0, steps: steps * epochs * batches });
    const method = ppo({
      copies: 64,
      epochs,
      batches,
      discount: 0.95,
      rewardScale: 0.1,
      optimizer: optim.chain(optim.clipByGlobalNorm(0.5), optim.adam(schedule)),
    });
    const agent = actorCritic({ environment: pendulum(), family, policy, value: concatenated(net(7, 64)) });
    const outcomes = await outcomesOf(agent, method as never, { steps, seeds, lives: 256 });
    table.push([
      title,
      spread(outcomes.map(reached), 0),
      spread(
        outcomes.map((outcome) => early(outcome, 'kl', 20)),
        3,
      ),
      nn.countParams(agent.spec).toLocaleString('en'),
      spread(
        outcomes.map(({ seconds }) => seconds),
        1,
      ),
    ]);
  }
  return markdown(['policy', `return after ${steps} iterations`, 'KL of the first 20', 'parameters', 'seconds'], table);
}

/** Each algorithm on the same agent in the world that all of them know. */
async function algorithmsTable(seeds: number): Promise<string> {
  const net = (out: number) =>
    nn.mlp({ in: 4, hidden: [64, 64], out, activation: nn.tanh, outInit: nn.init.normal({ std: 0.01 }) });
  const agentOf = (normalise: boolean): Player =>
    actorCritic({ environment: cartPole(), policy: net(2), value: net(1), normalise }) as never;
  const usual = agentOf(true);
  // An evolution strategy keeps statistics as they are.
  const plain = agentOf(false);
  const decaying = (initial: number, updates: number) =>
    optim.chain(optim.clipByGlobalNorm(0.5), optim.adam(optim.linear({ initial, end: 0, steps: updates })));
  const playing = { copies: 32, steps: 128, rewardScale: 0.02 };
  const rows = [
    {
      title: '`ppo`',
      agent: usual,
      steps: 60,
      each: 32 * 128,
      method: ppo({ ...playing, lambda: 0.98, optimizer: decaying(1e-3, 60 * 16) }),
    },
    {
      title: '`reinforce`',
      agent: usual,
      steps: 60,
      each: 32 * 128,
      method: reinforce({ ...playing, optimizer: decaying(1e-2, 60) }),
    },
    {
      title: '`evolution`',
      agent: plain,
      steps: 60,
      each: Number.NaN,
      method: evolution({ fitness: fitness(plain, { lives: 8 }) as never, optimizer: optim.adam(0.05) }),
    },
  ];
  const table: string[][] = [];
  for (const { title, agent, steps, each, method } of rows) {
    process.stderr.write(`${title}\n`);
    const outcomes = await outcomesOf(agent, method as never, { steps, seeds, lives: 256 });
    table.push([
      title,
      outcomes
        .map(reached)
        .map((value) => value.toFixed(0))
        .join(', '),
      Number.isNaN(each) ? `${steps} x 64 x 8 episodes` : `${(steps * each).toLocaleString('en')} steps`,
      spread(
        outcomes.map(({ seconds }) => seconds),
        1,
      ),
    ]);
  }
  return markdown(['algorithm', 'return by seed', 'played', 'seconds'], table);
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'algorithms,heads' },
    write: { type: 'boolean', default: false },
  },
});
const tables = { algorithms: algorithmsTable, heads: headsTable };
const sections: Record<string, string> = {};
for (const [name, table] of Object.entries(tables))
  if (values.only.split(',').includes(name)) sections[name] = await table(Number(values.seeds));
console.log(showMachine(machine()));
for (const [name, table] of Object.entries(sections)) console.log(`\n${name}\n\n${table}`);
if (values.write) updateDocument('reinforcement.md', sections);
