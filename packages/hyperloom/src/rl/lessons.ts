import { add, div, mean, sqrt, sub, type Tensor, tree, variance, vmap } from '../tensor/index.ts';
import { advantages, type Horizon } from './advantages.ts';
import type { Agent } from './agent.ts';
import { type Path, replay } from './rollout.ts';

/** What a path is learnt from. */
export interface Lesson {
  readonly path: Path;
  /** With mean 0 and deviation 1 over all paths. */
  readonly advantage: Tensor;
  /** What the value function should have expected. */
  readonly target: Tensor;
}

/** Paths [copies, ...] as lessons, and the share of the targets' variance that the value function had expected. */
export function lessonsOf(
  paths: Path,
  horizon: Horizon,
): { readonly lessons: Lesson; readonly explainedVariance: Tensor } {
  const raw = vmap((path: Path) => advantages(path, horizon))(paths);
  const target = add(raw, paths.value);
  const advantage = div(sub(raw, mean(raw)), add(sqrt(variance(raw)), 1e-8));
  const explainedVariance = sub(1, div(variance(raw), add(variance(target), 1e-8)));
  return { lessons: { path: paths, advantage, target }, explainedVariance };
}

/** What layers would add to their statistics from all that was seen, by path of the weight. */
export function statistics(agent: Agent, params: never, paths: Path): Readonly<Record<string, Tensor>> {
  const listen = () => {
    const told: Record<string, Tensor> = {};
    const update = (path: string, delta: Tensor): void => {
      told[path] = path in told ? add(told[path]!, delta) : delta;
    };
    return { context: { training: true, update }, told };
  };
  const each = vmap((path: Path) => replay(agent, params, path, listen).told)(paths);
  return tree.map((delta: Tensor) => mean(delta, { axis: [0, 1] }), each) as Readonly<Record<string, Tensor>>;
}
