import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hyperloom, jsonLines } from './testing.ts';

let root = '';
let [run, other] = ['', ''];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'episode-'));
  [run, other] = [join(root, 'run'), join(root, 'other')];
  const brief = ['--seeds', '1', '--set', 'control=false', '--threads', '1', '--json'];
  const trained = await hyperloom(['train', 'cartpole', ...brief, '--steps', '12', '--out', run]);
  expect(trained.code).toBe(0);
  const plain = await hyperloom(['train', 'pareto-toy', ...brief, '--steps', '1', '--out', other]);
  expect(plain.code).toBe(0);
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

const played = (...args: string[]) => hyperloom(['eval', run, '--threads', '1', ...args]);

describe('hyperloom eval --set physics', () => {
  test('plays an episode under that physics, the same for the same seed, and draws it', async () => {
    const out = join(root, 'light.gif');
    const light = await played('--set', 'physics.poleMass=0.05', '--set', 'physics.force=12', '--out', out, '--json');
    const [told] = jsonLines(light.out) as [Record<string, unknown>];
    expect(told.physics).toEqual({ gravity: 9.8, cartMass: 1, poleMass: 0.05, halfLength: 0.5, force: 12 });
    expect(told.return).toBe(told.length);
    expect((await readFile(out)).subarray(0, 6).toString()).toBe('GIF89a');
    const again = await played('--set', 'physics.poleMass=0.05', '--set', 'physics.force=12', '--out', out, '--json');
    expect(again.out).toBe(light.out);
    // Hardly any force: the pole falls.
    const weak = await played('--set', 'physics.force=0.01', '--json');
    const [fallen] = jsonLines(weak.out) as [Record<string, unknown>];
    expect(fallen.end).toBe('terminated');
    expect(fallen.out).toBe(join(run, 'episode.gif'));
  });

  test('says what it was in words', async () => {
    const { out } = await played('--set', 'physics.force=0.01');
    expect(out).toMatch(/^force +0\.01 +N +10$/m);
    expect(out).toMatch(/a return of \d+\.\d+ in \d+ steps, ended by itself/);
  });

  test('what does not fit is refused on one line', async () => {
    const errors = [];
    for (const args of [
      ['--set', 'physics.mass=1'],
      ['--set', 'poleMass=1'],
      ['--set', 'physics.poleMass=much'],
      ['--set', 'physics.poleMass=1e999'],
      ['--out', 'x.gif'],
      ['--set', 'physics.poleMass=1', '--out', 'x.png'],
    ])
      errors.push((await played(...args)).err);
    const elsewhere = await hyperloom(['eval', other, '--set', 'physics.poleMass=1', '--threads', '1']);
    const exported = await hyperloom(['export', run, '--set', 'physics.poleMass=1', '--out', join(root, 'x.onnx')]);
    errors.push(elsewhere.err.replace(other, 'OTHER'), exported.err.replace(run, 'RUN'));
    expect(errors.join('')).toMatchInlineSnapshot(`
      "hyperloom: --set: expected physics of cartPole: gravity 5 to 15 m/s^2 (9.8), cartMass 0.5 to 2 kg (1), poleMass 0.05 to 0.5 kg (0.1), halfLength 0.25 to 1.5 m (0.5), force 5 to 15 N (10), got mass
      hyperloom: --set: expected physics.NAME=NUMBER, such as physics.length=0.7, got "poleMass=1"
      hyperloom: --set: expected physics.NAME=NUMBER, such as physics.length=0.7, got "physics.poleMass=much"
      hyperloom: cartPole: expected a number for poleMass, got Infinity
      hyperloom: --out: expected --set beside it, which plays an episode, got x.gif alone
      hyperloom: --out: expected a file .gif, got x.png
      hyperloom: --set: expected a run of a policy, such as cartpole, got OTHER, a run of pareto-toy
      hyperloom: --set: expected a policy for a family of physics, got RUN, which is for one
      "
    `);
  });
});
