import { applyChild, type Context, defineModule, runningNorm } from '../nn/index.ts';
import {
  add,
  concat,
  iota,
  mean,
  mul,
  random,
  reshape,
  square,
  stopGradient,
  sub,
  type Tensor,
  vmap,
} from '../tensor/index.ts';
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

/** What is made of an example: of each of its steps, [copies, ...]. */
export interface Cloned {
  readonly policy: Tensor;
  /** Q of what was done, and of what the policy would do next. */
  readonly q?: { readonly now: Tensor; readonly next: Tensor };
}

/** What {@link cloning} gives: for `train`. */
export interface Cloning {
  /** Weights: `agent`, and for Q `norm`, and `q` unless its weights are among the agent's. */
  readonly module: Trainable;
  /** Of an example, a scalar. */
  loss(output: Cloned, target: Target): Tensor;
}

type Input = Demonstrations<Tensor>['input'];
type Target = Demonstrations<Tensor>['target'];

/**
 * An agent learns from demonstrations by `train`, as any network does from examples. Without `q` this is behaviour
 * cloning (Pomerleau 1991): cross-entropy of discrete actions, or the squared error of continuous ones. With it,
 * and with policy and Q generated from the physics by {@link solution}, it is HyperZero (Rezaei-Shoshtari et al. 2023),
 * which adds w (Q(s, a) - q*)^2 + w (r + gamma Q(s', pi(s')) - q*)^2. No gradient goes through pi(s'), as in the authors'
 * program, so that a Q with weights of its own changes nothing of the policy. The agent's own value function and the
 * spread of continuous actions stay as they are.
 * @returns a module whose input is that of `rl.demonstrations`, and the loss; the agent's weights are its `agent`
 * @throws ArgumentError for an agent with a memory
 * @example
 * const net = (inputs: number, out: number) => nn.mlp({ in: inputs, hidden: [8], out });
 * const { policy, q } = rl.solution({ policy: net(4, 2), q: net(6, 1), size: 1 });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), family: ['force'], policy, value: net(4, 1) });
 * const experts = [{ params: await runOnce(referenceEngine(), agent.init, random.keyArray(0)) }];
 * const steps = await rl.demonstrations(agent, experts, { copies: 2, steps: 10 });
 * const { module, loss } = rl.cloning(agent, { q });
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
  type Weights = { readonly agent: { readonly policy: never }; readonly q: never; readonly norm: never };
  const one = (own: Weights, { code, observation, next, action }: Input, context?: Context): Cloned => {
    const known = (seen: Tensor) => ({ observation: seen, ...(code && { code }), last: nothingYet(agent) });
    const act = (seen: Tensor, told?: Context) =>
      applyChild('agent', agent, own.agent as never, { seen: known(seen), memory: {} }, told).policy;
    const policy = act(observation, context);
    if (!q) return { policy };
    const weights = q.weights === 'policy' ? own.agent.policy : own.q;
    const value = (seen: Tensor, done: Tensor, told?: Context) => {
      const normal = applyChild('norm', norm, own.norm, seen, told);
      const read = q.read(known(concat([normal, distribution.vector(done)])));
      return reshape(applyChild('q', q.module, weights, read as never, told), []);
    };
    // What a step leads to is seen again as the next step: statistics take each observation once.
    const { update: _, ...quiet } = context ?? { training: false };
    const then = stopGradient(distribution.within(distribution.mode(act(next, quiet))));
    return { policy, q: { now: value(observation, action, context), next: value(next, then, quiet) } };
  };
  /** All steps of an example under the one code that it has, so that weights are generated from it once. */
  const apply = (weights: unknown, { code, ...steps }: Input, context?: Context): Cloned => {
    const each = (step: Omit<Input, 'code'>, row: Tensor) => {
      const told: Record<string, Tensor> = {};
      const update = (path: string, delta: Tensor): void => {
        told[path] = path in told ? add(told[path]!, delta) : delta;
      };
      const key = context?.key && random.foldIn(context.key, row);
      const own = context && { ...context, ...(key && { key }), ...(context.update && { update }) };
      return { output: one(weights as Weights, { ...step, ...(code && { code }) }, own), told };
    };
    const { output, told } = vmap(each)(steps, iota(steps.observation.shape[0]!));
    for (const [path, deltas] of Object.entries(told)) context?.update?.(path, mean(deltas, { axis: 0 }));
    return output;
  };
  const miss = ({ policy, q: found }: Cloned, { action, reward, discount, value }: Target): Tensor => {
    const imitated = distribution.miss(policy, action);
    if (!found) return imitated;
    const off = square(sub(found.now, value));
    const ahead = square(sub(add(reward, mul(discount, found.next)), value));
    return add(imitated, add(mul(off, valueWeight), mul(ahead, differenceWeight)));
  };
  const owned = q && { ...(q.weights !== 'policy' && { q: q.module.spec }), norm: norm.spec };
  return {
    module: defineModule({ name: 'cloning', spec: { agent: agent.spec, ...owned } as never, apply: apply as never }),
    loss: (output, target) => mean(vmap(miss)(output, target)),
  };
}
