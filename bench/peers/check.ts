/**
 * Starts every peer from the same weights and data, and holds the losses of 20 steps against the first peer's:
 *
 *     npx tsx bench/peers/check.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchSizes, seededInputs, type Workload, writeInputs } from './inputs.ts';
import { installNodePeers, type PeerName, peers, startPeer } from './peer.ts';

const STEPS = 20;
const TOLERANCE = 1e-3;

/** The pure JavaScript peers take a minute for a step of the full batch. */
const sizes: Readonly<Record<Workload, number>> = { ...batchSizes, mnist: 4, perExampleConv: 4, hyperLstm: 2, lstm: 2 };

const folder = mkdtempSync(join(tmpdir(), 'hyperloom-peers-'));
const manifests = Object.entries(sizes).map(([name, batch]) => {
  const workload = name as Workload;
  return { workload, path: writeInputs(folder, workload, batch, seededInputs(workload, batch)) };
});
const expected = new Map<Workload, readonly number[]>();
let failures = 0;
let compared = 0;

installNodePeers();
for (const name of Object.keys(peers) as PeerName[]) {
  const peer = await startPeer(name, { threads: 2 });
  if ('missing' in peer) {
    console.log(`${name}: skipped, ${peer.missing}`);
    continue;
  }
  console.log(`${name} ${peer.hello.version}, threads: ${peer.hello.threads}`);
  for (const { workload, path } of manifests) {
    const skipped = await peer.setup(workload, path);
    if (skipped) {
      console.log(`  ${workload}: skipped, ${skipped.skip}`);
      continue;
    }
    const { losses, ms } = await peer.run(STEPS);
    const reference = expected.get(workload) ?? losses;
    expected.set(workload, reference);
    const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - (reference[i] ?? Number.NaN))));
    const agrees = losses.length === STEPS && worst <= TOLERANCE;
    compared += 1;
    if (!agrees) failures += 1;
    const median = [...ms].sort((a, b) => a - b)[STEPS / 2] ?? Number.NaN;
    const verdict = agrees ? 'agrees' : 'DIFFERS';
    console.log(
      `  ${workload}: ${verdict} within ${worst.toExponential(1)}, loss ${losses[0]?.toFixed(5)} to ${losses.at(-1)?.toFixed(5)}, ${median.toFixed(2)} ms`,
    );
  }
  await peer.stop();
}
rmSync(folder, { recursive: true });
console.log(`${compared - failures} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
