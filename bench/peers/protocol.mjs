// The worker's side of the benchmark protocol (README.md): JSON lines in, JSON lines out.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const MISSING = 3;
const types = { float32: Float32Array, int32: Int32Array };

/** A peer that asks for a skip throws this: the reason is part of the answer. */
export class Skip extends Error {}

// Libraries print to the console when loaded; standard output belongs to the protocol.
console.log = console.error;
console.info = console.error;

export const reply = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** --threads N (default 2), and what a peer adds of its own. */
export function readArguments(own = {}) {
  const { values } = parseArgs({ options: { threads: { type: 'string', default: '2' }, ...own } });
  return { ...values, threads: Number(values.threads) };
}

/** Imports packages that may be absent; says which by name and leaves with exit code 3. */
export async function require(...names) {
  const modules = [];
  for (const name of names) {
    try {
      modules.push(await import(name));
    } catch (error) {
      if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      reply({ missing: name, error: `${name} is not installed: npm install --prefix bench/peers` });
      process.exit(MISSING);
    }
  }
  return modules;
}

/** {manifest, params, batches}: {name: {shape, data}} each; step t takes batch t mod batches.length. */
function readTensors(path) {
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const raw = readFileSync(join(dirname(path), manifest.file));
  const params = {};
  const whole = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(manifest.tensors)) {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    const part = raw.subarray(offset, offset + bytes);
    if (part.length !== bytes) {
      throw new Error(`tensor "${name}": expected ${bytes} bytes at ${offset}, got ${part.length}`);
    }
    const tensor = { shape, data: new types[dtype](new Uint8Array(part).buffer) };
    if (name.startsWith('data.')) whole[name.slice('data.'.length)] = tensor;
    else params[name] = tensor;
  }
  const rows = Math.min(...Object.values(whole).map((t) => t.shape[0]));
  const count = Math.floor(rows / manifest.batch);
  if (count === 0) throw new Error(`data: expected at least ${manifest.batch} rows, got ${rows}`);
  const batches = Array.from({ length: count }, (_, i) =>
    Object.fromEntries(Object.entries(whole).map(([name, tensor]) => [name, rowsOf(tensor, manifest.batch, i)])),
  );
  return { params, batches };
}

function rowsOf({ shape, data }, batch, index) {
  const width = data.length / shape[0];
  return { shape: [batch, ...shape.slice(1)], data: data.slice(index * batch * width, (index + 1) * batch * width) };
}

/** The shapes of an MLP's weights in order: weight [out, in], then bias [out], for each layer. */
export const mlpShapes = (sizes) => sizes.slice(1).flatMap((out, i) => [[out, sizes[i]], [out]]);

/** workloads: name -> (params, batches) => step(t) => loss; either may be async. */
export async function serve(hello, workloads) {
  reply({ ready: true, ...hello });
  let step;
  let count = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const message = JSON.parse(line);
      if (message.cmd === 'setup') {
        const workload = workloads[message.workload];
        if (workload === undefined) throw new Skip(`workload "${message.workload}" is not written for this peer`);
        step = undefined;
        const begin = performance.now();
        const { params, batches } = readTensors(message.manifest);
        step = await workload(params, batches);
        count = 0;
        const parameters = Object.values(params).reduce((sum, p) => sum + p.data.length, 0);
        reply({ ok: true, parameters, ms: performance.now() - begin });
      } else if (message.cmd === 'run') {
        if (step === undefined) throw new Error('run: expected a setup first');
        const ms = [];
        const losses = [];
        for (let i = 0; i < message.steps; i++) {
          const begin = performance.now();
          losses.push(await step(count));
          ms.push(performance.now() - begin);
          count += 1;
        }
        reply({ ms, losses, loss: losses.at(-1), peakMB: process.resourceUsage().maxRSS / 1024 });
      } else if (message.cmd === 'quit') {
        break;
      } else {
        throw new Error(`unknown command "${message.cmd}"`);
      }
    } catch (error) {
      // The worker must live on: the harness decides what a failure means.
      reply(error instanceof Skip ? { skip: error.message } : { error: String(error) });
    }
  }
  process.exit(0);
}
