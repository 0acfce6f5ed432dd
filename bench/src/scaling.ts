/** `npm run scaling -w bench`: time and memory of a step by the size of target, batch, sequence and chunk. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ortEngine } from 'hyperloom/engine/ort';
import { adam } from 'hyperloom/optim';
import { compileStepper, packing, supervised } from 'hyperloom/train';
import { machine, showMachine } from './machine.ts';
import { curves, type Point } from './scalingCurves.ts';
import { summarize } from './statistics.ts';
import { figure, markdown, updateDocument } from './study/document.ts';

/** Milliseconds of a step and megabytes of this process at most, as JSON on standard output. */
async function measurePoint({ model, loss, batch }: Point, threads: number): Promise<void> {
  const engine = ortEngine({ threads });
  const layout = packing(model.spec);
  const data = { spec: batch, at: () => batch };
  const method = supervised({ data: data as never, loss, optimizer: adam(1e-3) });
  const stepper = await compileStepper(engine, method, { model, layout });
  const times: number[] = [];
  let taken = 0;
  const end = performance.now() + 2_000;
  for (let call = 0; call < 4 || performance.now() < end; call++) {
    const start = performance.now();
    const { length } = await stepper.advance(taken, Number.POSITIVE_INFINITY);
    taken += length;
    if (call > 1) times.push((performance.now() - start) / length);
  }
  await stepper.dispose();
  await engine.dispose();
  const peakMB = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ ms: summarize(times).median, peakMB, parameters: layout.size }));
}

const { values } = parseArgs({
  options: {
    point: { type: 'string' },
    threads: { type: 'string', default: '2' },
    write: { type: 'boolean', default: false },
  },
});
if (values.point !== undefined) {
  const [name, size] = values.point.split(':') as [string, string];
  await measurePoint(curves[name]!.make(Number(size)), Number(values.threads));
} else {
  const sections = Object.entries(curves).map(([name, { title, sizes }]) => {
    const rows = sizes.map((size) => {
      process.stderr.write(`${name} ${size} ...\n`);
      // A process for each point: its memory is its own.
      const args = ['--import', 'tsx', '--conditions=source', fileURLToPath(import.meta.url)];
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [...args, '--point', `${name}:${size}`, '--threads', values.threads],
        { encoding: 'utf8' },
      );
      const line = stdout.trim().split('\n').at(-1) ?? '';
      if (!line.startsWith('{')) throw new Error(`scaling: ${name} ${size}: ${stderr.trim().split('\n').at(-1)}`);
      const { ms, peakMB, parameters } = JSON.parse(line) as { ms: number; peakMB: number; parameters: number };
      return [size.toLocaleString('en'), figure(ms), String(Math.round(peakMB)), parameters.toLocaleString('en')];
    });
    return markdown([title, 'ms', 'MB', 'parameters'], rows);
  });
  const text = sections.join('\n\n');
  console.log(`${showMachine(machine())}\n\n${text}`);
  if (values.write) updateDocument('performance.md', { scaling: text });
}
