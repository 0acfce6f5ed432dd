import { spawn } from 'node:child_process';
import { vi } from 'vitest';
import { main } from './command.ts';

/** The command line as a file to run from its sources. */
export const entry = new URL('./main.ts', import.meta.url).pathname;

/** What a command line ended with. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process: what a process of its own adds is seconds. */
export async function hyperloom(args: readonly string[]): Promise<Ended> {
  let [out, err] = ['', ''];
  const outs = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  const errs = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  try {
    const code = await main(args);
    return { code, out, err };
  } finally {
    process.exitCode = undefined;
    outs.mockRestore();
    errs.mockRestore();
  }
}

/**
 * Runs the command line from its sources in a process of its own; `watch` sees the output as it grows and may end the
 * process, `leave` stops reading after the first of it.
 */
export function spawned(
  args: readonly string[],
  watch: (out: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  { leave = false } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=source', entry, ...args]);
  let out = '';
  let err = '';
  child.stderr.on('data', (text) => {
    err += text;
  });
  child.stdout.on('data', (text) => {
    out += text;
    watch(out, (signal) => child.kill(signal));
    if (leave) child.stdout.destroy();
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** The objects of an output that has one on each line. */
export const jsonLines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
