import { applyChild, type Context, defineModule, runningNorm } from '../nn/index.ts';
import { add, concat, mul, reshape, square, stopGradient, sub, type Tensor } from '../tensor/index.ts';
import type { Trainable } from '../train/index.ts';
import type { Agent, Part, PartModule } from './agent.ts';
import { partOf } from './agent.ts';
import { checkForgetful, type Demonstrations } from './demonstrations.ts';
import { nothingYet } from './rollout.ts';

/** Settings of {@link cloning}. */
export interface CloningOptions {
  /**
   * What gives Q(s, a) as one number: it reads the observation, normalised, followed by the action as a vector. Default
   * none: then actions alone are learnt.
   */
  readonly q?: PartModule | Part;
  /** Weight of the squared error of Q against the value of the demonstration. Default 0.01. */
  readonly valueWeight?: number;
  /** Weight of the squared error of reward + discount * Q(s', pi(s')) against it. Default 0.01. */
  readonly differenceWeight?: number;
}

/** What is made of one step of a demonstration. */
export interface Cloned {
  readonly policy: Tensor;
  /** Q of what was done, and of what the policy would do next; scalars. */
  readonly q?: { readonly now: Tensor; readonly next: Tensor };
}

/** What {@link cloning} gives: for `train`. */
export interface Cloning {
  /** Weights: `agent`, and for Q `q` and `norm`. */
  readonly module: Trainable;
  loss(output: Cloned, target: Demonstrations<Tensor>['target']): Tensor;
}

/**
 * An agent learns from demonstrations by `train`, as any network does from examples. Without `q` this is behaviour
 * cloning (Pomerleau 1991): cross-entropy of discrete actions, or the squared error of continuous ones. With it, and
 * with policy and Q generated from the physics, it is HyperZero (Rezaei-Shoshtari et al. 2023), which adds
 * w (Q(s, a) - q*)^2 + w (r + gamma Q(s', pi(s')) - q*)^2, where no gradient goes through pi(s'). There one embedding of
 * the physics feeds both; here policy and Q are two hypernetworks. The agent's own value function and the spread of
 * continuous actions stay as they are.
 * @returns a module whose input is that of `rl.demonstrations`, and the loss; the agent's weights are its `agent`
 * @throws ArgumentError for an agent with a memory
 * @example
 * const net = (inputs: number, out: number) => nn.mlp({ in: inputs, hidden: [8], out });
 * const policy = rl.generated(net(4, 2), { size: 1 });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), family: ['force'], policy, value: net(4, 1) });
 * const experts = [{ params: await runOnce(referenceEngine(), agent.init, random.keyArray(0)) }];
 * const steps = await rl.demonstrations(agent, experts, { copies: 2, steps: 10 });
 * const { module, loss } = rl.cloning(agent, { q: rl.generated(net(6, 1), { size: 1 }) });
 * const run = await train(module, { data: data.batches(steps, { size: 5 }), loss, optimizer: optim.adam(1e-3), steps: 2 });
 * await run.dispose();
 */
export function cloning(
  agent: Agent,
  { q: given, valueWeight = 0.01, differenceWeight = 0.01 }: CloningOptions = {},
): Cloning {
  checkForgetful('cloning', agent);
  const { distribution, environment } = agent;
  const q = given && partOf(given);
  const norm = runningNorm({ size: environment.spec.observation.length });
  type Weights = Readonly<Record<'agent' | 'q' | 'norm', never>>;
  const apply = (weights: unknown, input: Demonstrations<Tensor>['input'], context?: Context): Cloned => {
    const own = weights as Weights;
    const { code, observation, next, action } = input;
    const known = (seen: Tensor) => ({ observation: seen, ...(code && { code }), last: nothingYet(agent) });
    const act = (seen: Tensor, told?: Context) =>
      applyChild('agent', agent, own.agent, { seen: known(seen), memory: {} }, told).policy;
    const policy = act(observation, context);
    if (!q) return { policy };
    const value = (seen: Tensor, done: Tensor, told?: Context) => {
      const normal = applyChild('norm', norm, own.norm, seen, told);
      const read = q.read(known(concat([normal, distribution.vector(done)])));
      return reshape(applyChild('q', q.module, own.q, read as never, told), []);
    };
    // What a step leads to is seen again as the next step: statistics take each observation once.
    const { update: _, ...quiet } = context ?? { training: false };
    const then = stopGradient(distribution.within(distribution.mode(act(next, quiet))));
    return { policy, q: { now: value(observation, action, context), next: value(next, then, quiet) } };
  };
  return {
    module: defineModule({
      name: 'cloning',
      spec: { agent: agent.spec, ...(q && { q: q.module.spec, norm: norm.spec }) } as never,
      apply: apply as never,
    }),
    loss: ({ policy, q: found }, { action, reward, discount, value }) => {
      const miss = distribution.miss(policy, action);
      if (!found) return miss;
      const off = square(sub(found.now, value));
      const ahead = square(sub(add(reward, mul(discount, found.next)), value));
      return add(miss, add(mul(off, valueWeight), mul(ahead, differenceWeight)));
    },
  };
}
