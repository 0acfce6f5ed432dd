import { nn, optim, rl, trainWith } from 'hyperloom';
import { ortEngine } from 'hyperloom/engine/ort';

const arg = Object.fromEntries(process.argv.slice(2).map((a) => a.split('='))) as Record<string, string>;
const num = (k: string, d: number) => Number(arg[k] ?? d);
const hidden = arg.linear ? [] : [64, 64];
const net = (out: number, h = hidden) =>
  nn.mlp({ in: 4, hidden: h, out, activation: nn.tanh, outInit: nn.init.normal({ std: 0.01 }) });
const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1, [64, 64]) });
const steps = num('steps', 60);
const epochs = num('epochs', 4),
  batches = num('batches', 4);
const rate = optim.linear({ initial: num('lr', 1e-3), end: 0, steps: steps * epochs * batches });
const method = rl.ppo({
  copies: num('copies', 32),
  steps: num('T', 128),
  epochs,
  batches,
  lambda: num('lambda', 0.95),
  discount: num('gamma', 0.99),
  rewardScale: num('scale', 0.02),
  entropy: num('ent', 0),
  optimizer: optim.chain(optim.clipByGlobalNorm(0.5), optim.adam(rate)),
});
for (let seed = 0; seed < num('seeds', 5); seed++) {
  const t = performance.now();
  const run = await trainWith(agent, method, {
    steps,
    seed,
    engine: ortEngine({ threads: 1 }),
    evaluate: rl.returns({ every: Math.ceil(steps / 4), lives: 64 }),
  });
  console.log(
    seed,
    run.history.flatMap((e) => (e.event === 'eval' ? [e.metrics.return!.toFixed(0)] : [])).join(' '),
    ((performance.now() - t) / 1000).toFixed(1),
  );
  await run.dispose();
}
process.exit(0);
