import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseOptions, peerNames, subjects } from './options.ts';

test('without options everything of ours is measured', () => {
  expect(parseOptions([])).toMatchObject({ only: subjects, peers: [], rounds: 9, memory: false });
});

test('peers stand for all of them, or for those named', () => {
  expect(parseOptions(['--peers']).peers).toEqual(peerNames);
  expect(parseOptions(['--peers', '--short'])).toMatchObject({ peers: peerNames, rounds: 3 });
  expect(parseOptions(['--peers', 'jax,torch', '--only', 'mnist'])).toMatchObject({
    peers: ['torch', 'jax'],
    only: ['mnist'],
  });
});

test('a bad option is one line', () => {
  expect(() => parseOptions(['--fast'])).toThrowErrorMatchingInlineSnapshot(`[UsageError: Unknown option '--fast']`);
  expect(() => parseOptions(['mnist'])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: Unexpected argument 'mnist'. This command does not take positional arguments]`,
  );
  expect(() => parseOptions(['--json'])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: Option '--json <value>' argument missing]`,
  );
  expect(() => parseOptions(['--rounds', '0'])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: --rounds: expected a whole number from 1, got '0']`,
  );
  expect(() => parseOptions(['--only', 'mnist,cifar'])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: --only: expected names of micro, mnist, perExample, perExampleConv, denseHead, chunked, chunkedLarge, expertsConv, adapters, setEncoder, inference, hyperLstm, hyperLstmLong, lstm, sampling, cartPole, scanMemory, got 'cifar']`,
  );
  expect(() => parseOptions(['--peers', 'keras'])).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: --peers: expected names of torch, torch-compile, torch-stock, jax, tfjs-wasm, tfjs-cpu, jaxjs, got 'keras']`,
  );
});

test('a bad option ends the command with exit code 2', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const flags = ['--import', 'tsx', '--conditions=source', main, '--threads', 'two'];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toMatchInlineSnapshot(`
    {
      "status": 2,
      "stderr": "bench: --threads: expected a whole number from 1, got 'two'
    ",
      "stdout": "",
    }
  `);
});
