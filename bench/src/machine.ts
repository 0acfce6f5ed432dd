import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where figures were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly node: string;
  readonly onnxruntime: string;
  /** Other work on the machine at the start: processes that wanted a core, over the last minute. */
  readonly load: number;
}

export function machine(): Machine {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    onnxruntime: (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
    load: loadavg()[0]!,
  };
}

export const showMachine = ({ cpu, cores, memoryGB, node, onnxruntime, load }: Machine): string =>
  `${cpu}, ${cores} cores, ${memoryGB} GB, load ${load.toFixed(1)}; Node ${node}, onnxruntime-node ${onnxruntime}`;
