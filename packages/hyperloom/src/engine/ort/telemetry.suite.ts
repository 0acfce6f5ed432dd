/*
 * Runs in a process of its own with an empty home: a program end to end, with a note of whether telemetry was off by
 * the time that the native library came in.
 */
import process from 'node:process';
import { mul, ndarray, type Tensor, trace } from '../../tensor/index.ts';
import { ortEngine } from './index.ts';

const load = process.dlopen;
const seen: string[] = [];
process.dlopen = (...args: Parameters<typeof load>) => {
  if (args[1].includes('onnxruntime')) seen.push(process.env.ORT_DISABLE_TELEMETRY ?? 'unset');
  load(...args);
};

async function main(): Promise<void> {
  const loadedBefore = seen.length > 0;
  const engine = ortEngine();
  const run = await engine.compile(trace((x: Tensor) => mul(x, 2), { dtype: 'float32', shape: [2] }).program);
  const [y] = await run.run([ndarray([1, 2])]);
  await engine.dispose();
  const report = { variable: seen[0], loadedBefore, loadedAfter: seen.length > 0, result: Array.from(y!.data) };
  process.stdout.write(JSON.stringify(report));
}

await main();
