import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ortEngine, runOnnxFile } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { type NdArray, ndarray } from '../tensor/index.ts';
import { exportRun, openCheckpoint, openRun, trainWith } from '../train/index.ts';
import { type Agent, actorCritic, type Part } from './agent.ts';
import { pendulum } from './environments/index.ts';
import { concatenated, generated } from './parts.ts';
import { policyOf } from './policy.ts';
import { ppo } from './ppo.ts';

const net = (inputs: number) => nn.mlp({ in: inputs, hidden: [8], out: 1, activation: nn.tanh });
const agentOf = (policy: Part) =>
  actorCritic({ environment: pendulum(), family: ['mass', 'length'], policy, value: net(3) });
const seen = ndarray([
  [0.2, -0.5, 1],
  [-1, 0.3, 4],
]);

/** Numbers of the policy under the agent itself, row by row. */
async function byAgent(agent: Agent, params: unknown, code: readonly number[]): Promise<number[]> {
  const run = openRun(agent, params, engine);
  const zero = ndarray(new Float32Array(1), []);
  const rows = [];
  for (let row = 0; row < 2; row++) {
    const observation = ndarray(seen.data.slice(3 * row, 3 * row + 3) as Float32Array, [3]);
    const last = { action: ndarray([0]), reward: zero, first: zero };
    const given = await run.apply({ seen: { observation, code: ndarray([...code]), last }, memory: {} });
    rows.push((given as { readonly policy: NdArray }).policy.data[0]!);
  }
  await run.dispose();
  return rows;
}

const engine = ortEngine({ threads: 1, spinning: false });

describe('the policy of an agent', () => {
  test.each([
    ['generated from the physics', agentOf(generated(net(3), { size: 2 })), 8 * 3 + 8 + 8 + 1],
    ['told the physics', agentOf(concatenated(net(5))), 8 * 5 + 8 + 8 + 1 + 2],
  ])('%s is saved with a checkpoint, and baked for one body', async (_, agent, weights) => {
    const folder = await mkdtemp(join(tmpdir(), 'policy-'));
    const path = join(folder, 'agent.safetensors');
    const method = ppo({ copies: 4, steps: 8, restart: true, batches: 2, optimizer: optim.adam(0.05) });
    const run = await trainWith(agent, method, { steps: 3, engine, checkpoint: { path, every: 3 } });
    const saved = await openCheckpoint(path, engine);
    const code = [0.5, -0.2];
    const file = join(folder, 'policy.onnx');
    const bytes = await exportRun(saved, { form: 'baked', code });
    await writeFile(file, bytes);
    const expected = await byAgent(agent, run.params, code);
    const [{ output }] = (await runOnnxFile(file, [{ input: seen }])) as unknown as [Record<string, NdArray>];
    expect(output!.shape).toEqual([2, 1]);
    for (const [i, value] of output!.data.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    // Another body has another policy, and neither the critic nor the head is in the file.
    const other = await byAgent(agent, run.params, [-1, 1]);
    expect(Math.abs(other[0]! - expected[0]!)).toBeGreaterThan(1e-6);
    expect(nn.countParams(policyOf(agent).target.spec)).toBe(weights + 3 + 3 + 1);
    await run.dispose();
    await saved.dispose();
    await rm(folder, { recursive: true });
  });

  test('one with a memory is refused', () => {
    const agent = actorCritic({
      environment: pendulum(),
      policy: { module: net(4), read: ({ belief }) => belief! },
      value: net(3),
      belief: (inputs) => nn.gruCell({ in: inputs, hidden: 4 }),
    });
    expect(() => policyOf(agent)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: policy: expected an agent without a memory, got actorCritic with one]`,
    );
  });
});
