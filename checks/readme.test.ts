import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { repository } from './imports.ts';

const readme = readFileSync(join(repository, 'README.md'), 'utf8');

it('shows the first program as it stands in examples/', () => {
  const shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(readFileSync(join(repository, 'examples/first.ts'), 'utf8'));
});

it('the first program does what its comment says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import(join(repository, 'examples/first.ts'));
  const output = log.mock.calls[0]?.[0] as { readonly data: ArrayLike<number> };
  log.mockRestore();
  expect(Math.abs(output.data[0]! - 0.25)).toBeLessThan(0.05);
});

it('names the two commands', () => {
  expect(readme).toContain('npm install && npm start');
  expect(readme).toContain('npm install && npm test');
});
