import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hyperloom, jsonLines } from './testing.ts';

let root = '';
const at = (name: string) => join(root, name);
const brief = ['--seeds', '1', '--set', 'control=false', '--threads', '1', '--json'];
/** Runs the command and gives what it printed. */
async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await hyperloom(args);
  expect([code, err]).toEqual([0, '']);
  return out;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'policies-'));
  await done('train', 'pendulum-family', ...brief, '--steps', '2', '--set', 'bodies=1', '--out', at('family'));
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

describe('a policy that is exported', () => {
  test('drives a cart-pole with ONNX Runtime alone', async () => {
    await done('train', 'cartpole', ...brief, '--steps', '15', '--out', at('pole'));
    await done('export', at('pole'), '--threads', '1', '--out', at('pole.onnx'));
    const example = new URL('../../../../examples/policy.ts', import.meta.url).pathname;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--import', 'tsx', example, at('pole.onnx')]);
    // A policy that is drawn at random holds it up for some 20 steps.
    expect(Number(/for (\d+) of 500 steps/.exec(stdout)?.[1])).toBeGreaterThan(150);
    const missing = await run(process.execPath, ['--import', 'tsx', example, at('no.onnx')]).catch((error) => error);
    expect([missing.code, missing.stderr]).toEqual([
      1,
      `policy: expected a policy that was exported, got no file ${at('no.onnx')}\n`,
    ]);
  }, 60_000);

  test('for a body by its physics is the one for its code, and another body has another', async () => {
    const family = ['export', at('family'), '--form', 'baked', '--threads', '1'];
    await done(...family, '--set', 'physics.length=0.85', '--out', at('physics.onnx'));
    // Trained lengths are 0.7 to 1.3, which codes from -1 to 1 stand for; the others are in the middle.
    await done(...family, '--code', '0,0,-0.5,0', '--out', at('code.onnx'));
    await done(...family, '--set', 'physics.length=1.2', '--out', at('long.onnx'));
    const bytes = await readFile(at('physics.onnx'));
    expect(bytes.equals(await readFile(at('code.onnx')))).toBe(true);
    expect(bytes.equals(await readFile(at('long.onnx')))).toBe(false);
  });

  test('eval, inspect and generate take its run', async () => {
    const out = await done('eval', at('family'), '--set', 'physics.length=0.85', '--json', '--threads', '1');
    expect(jsonLines(out)[0]).toMatchObject({
      length: 200,
      physics: { gravity: 10, mass: 1, length: 0.85, torque: 2 },
    });
    const inspected = await done('inspect', at('family'), '--threads', '1');
    expect(inspected).toMatch(/^layer0\.weight +3x64 +generated/m);
    expect(inspected).toMatch(/outputs: the code of another moves one/);
    const [stored] = [await hyperloom(['inspect', at('pole'), '--threads', '1'])];
    expect(stored.err).toMatch(/whose weights are stored/);
    await done('generate', at('family'), '--code', '0,0,-0.5,0', '--out', at('weights.safetensors'), '--threads', '1');
  });
});
