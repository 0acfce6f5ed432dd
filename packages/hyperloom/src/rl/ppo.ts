import type { Optimizer } from '../optim/index.ts';
import { ArgumentError, random } from '../tensor/index.ts';
import type { Method, Subject } from '../train/index.ts';
import { type Agent, agentExample } from './agent.ts';
import type { Environment } from './environment.ts';
import { checkWhole, type PlayingOptions, type PlayingState, playing } from './playing.ts';
import { shownOf } from './policy.ts';
import { type PpoUpdateOptions, ppoUpdate } from './ppoUpdate.ts';
import type { Player } from './rollout.ts';

/** Settings of {@link ppo}. */
export interface PpoOptions extends Partial<PpoUpdateOptions>, PlayingOptions {
  readonly optimizer: Optimizer;
}

/**
 * Proximal policy optimisation (Schulman et al. 2017) as a method of training: a step is a whole iteration, of playing,
 * advantages and epochs of mini-batches, in one program. It tells `return` and `length` of the episodes that ended,
 * `entropy`, `kl`, `clipFraction`, `policyLoss`, `valueLoss` and `explainedVariance`.
 * @throws ArgumentError for counts that are not positive whole numbers, or copies that batches do not divide
 * @example
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [32], out, activation: nn.tanh });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1) });
 * const method = rl.ppo({ copies: 8, steps: 16, optimizer: optim.adam(1e-3) });
 * const run = await trainWith(agent, method, { steps: 2 });
 * await run.dispose();
 */
export function ppo<P extends string, S>({
  optimizer,
  copies = 64,
  epochs = 4,
  batches = 4,
  discount = 0.99,
  lambda = 0.95,
  clip = 0.2,
  entropy = 0,
  valueWeight = 0.5,
  ...options
}: PpoOptions): Method<Agent<Environment<P, S>>> {
  const { start, play } = playing('ppo', { copies, ...options });
  checkWhole('ppo', { epochs, batches });
  if (copies % batches !== 0)
    throw new ArgumentError(`ppo: expected batches that divide the ${copies} copies, got ${batches}`);
  const learning = { optimizer, epochs, batches, discount, lambda, clip, entropy, valueWeight };
  return {
    example: agentExample,
    shown: shownOf,
    start: ({ model }, packed, key) => ({
      ...packed,
      optimizer: optimizer.init(packed.theta),
      state: start(model as unknown as Player, random.foldIn(key, 4)),
    }),
    step: (subject, { theta, rest, ...before }, call) => {
      const key = random.foldIn(random.foldIn(call.key, 3), call.step);
      const params = subject.layout.unpack({ theta, rest }) as never;
      const agent = subject.model as unknown as Player;
      const { paths, state } = play(agent, params, before.state as PlayingState, random.foldIn(key, 0));
      const { loss, gradientNorm, metrics, ...learned } = ppoUpdate(
        subject as unknown as Subject<Agent>,
        { theta, rest, optimizer: before.optimizer },
        paths,
        random.foldIn(key, 1),
        learning,
      );
      return {
        carried: { ...learned, state },
        measured: { loss, gradientNorm, metrics: { ...state.recent, ...metrics } },
      };
    },
  };
}
