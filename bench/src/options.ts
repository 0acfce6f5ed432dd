import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** What can be measured, in the order in which it is. */
export const subjects = [
  'micro',
  'mnist',
  'perExample',
  'perExampleConv',
  'denseHead',
  'chunked',
  'chunkedLarge',
  'expertsConv',
  'adapters',
  'setEncoder',
  'inference',
  'hyperLstm',
  'hyperLstmLong',
  'lstm',
  'sampling',
  'cartPole',
  'scanMemory',
] as const;
export type Subject = (typeof subjects)[number];

/** The peers that can be asked for. */
export const peerNames = ['torch', 'torch-compile', 'torch-stock', 'jax', 'tfjs-wasm', 'tfjs-cpu', 'jaxjs'] as const;
export type PeerOption = (typeof peerNames)[number];

export interface Options {
  readonly only: readonly Subject[];
  readonly peers: readonly PeerOption[];
  readonly rounds: number;
  /** Milliseconds that each side steps in a round. */
  readonly roundMs: number;
  readonly threads: number;
  readonly json?: string;
  readonly memory: boolean;
  readonly help: boolean;
}

export const usage = `Usage: npm run bench -- [options]
  --only NAMES     of ${subjects.join(', ')} (by commas; default all)
  --peers [NAMES]  also in ${peerNames.join(', ')} (default all of them)
  --rounds N       rounds in which the sides take turns (default 9)
  --threads N      threads of each side (default: the number of cores)
  --short          3 short rounds: a check that it works, not a measurement
  --memory         10,000 steps of perExample, and how memory grew
  --json FILE      also write every figure to a file`;

/** A bad command line: one line says what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the command line. @throws UsageError */
export function parseOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  const { short = false } = values;
  const memory = values.memory ?? false;
  return {
    only: listed('only', values.only, subjects) ?? subjects,
    peers: values.peers === 'all' ? peerNames : (listed('peers', values.peers, peerNames) ?? []),
    rounds: whole('rounds', values.rounds) ?? (short ? 3 : 9),
    roundMs: short ? 100 : 400,
    threads: whole('threads', values.threads) ?? availableParallelism(),
    memory,
    help: values.help ?? false,
    ...(values.json !== undefined && { json: values.json }),
  };
}

function parse(argv: readonly string[]) {
  // A bare --peers means all of them.
  const args = argv.map((arg, i) =>
    arg === '--peers' && (argv[i + 1] ?? '--').startsWith('--') ? '--peers=all' : arg,
  );
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string' },
        peers: { type: 'string' },
        rounds: { type: 'string' },
        threads: { type: 'string' },
        json: { type: 'string' },
        short: { type: 'boolean' },
        memory: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return values;
  } catch (cause) {
    const [first = ''] = (cause as Error).message.split(/\.? To specify|\n/);
    throw new UsageError(first, { cause });
  }
}

function listed<T extends string>(
  flag: string,
  text: string | undefined,
  known: readonly T[],
): readonly T[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',');
  const odd = names.find((name) => !known.includes(name as T));
  if (odd !== undefined) throw new UsageError(`--${flag}: expected names of ${known.join(', ')}, got '${odd}'`);
  return known.filter((name) => names.includes(name));
}

function whole(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--${flag}: expected a whole number from 1, got '${text}'`);
  return Number(text);
}
