import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hyperloom, jsonLines } from './testing.ts';

test('profile tells where the time of a step goes, and draws it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'profile-'));
  const svg = join(folder, 'flame.svg');
  const { code, out, err } = await hyperloom(['profile', 'many-mlps', '--calls', '3', '--threads', '1', '--svg', svg]);
  expect([code, err]).toEqual([0, '']);
  for (const part of ['head', 'target', 'loss', 'backward, head', 'backward, target', 'optimizer'])
    expect(out).toMatch(new RegExp(`^${part} +\\d+ +\\d`, 'm'));
  expect(out).toMatch(/^\d+ steps, [\d.]+ ms each$/m);
  const drawn = await readFile(svg, 'utf8');
  expect(drawn).toMatch(/^<svg .*<title>optimizer: /s);

  const told = await hyperloom(['profile', 'many-mlps', '--calls', '2', '--threads', '1', '--json']);
  const [found] = jsonLines(told.out) as [{ stepMs: number; kernels: { ms: number; multiplyAdds: number }[] }];
  const inKernels = found.kernels.reduce((sum, { ms }) => sum + ms, 0);
  expect(inKernels).toBeGreaterThan(0);
  expect(found.kernels.some(({ multiplyAdds }) => multiplyAdds > 0)).toBe(true);

  const wrong = await hyperloom(['profile', 'many-mlps', '--svg', 'flame.png']);
  expect([wrong.code, wrong.err]).toEqual([2, 'hyperloom: --svg: expected a file .svg, got flame.png\n']);
  await rm(folder, { recursive: true });
}, 60_000);
