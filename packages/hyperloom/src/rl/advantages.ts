import { add, constant, mul, scan, sub, type Tensor } from '../tensor/index.ts';
import { type Path, unless } from './rollout.ts';

/** How far ahead counts. */
export interface Horizon {
  /** Share of a reward that counts one step earlier, gamma. */
  readonly discount: number;
  /** Share of the next advantage that counts one step earlier, lambda. */
  readonly lambda: number;
}

/**
 * Generalised advantage estimation (Schulman et al. 2016) over the steps of one path, [steps]: how much better a step
 * turned out than the value function expected, delta_t + gamma lambda delta_{t+1} + ..., with
 * delta_t = r_t + gamma V(s_{t+1}) - V(s_t). Where a life ends nothing is handed back, and where it was cut off the
 * value of what the last step led to stands for the rest.
 * @example
 * const [no, one] = [constant([0, 0], 'bool'), constant([1, 1])];
 * const path = { reward: one, value: constant([0, 0]), nextValue: constant([0, 0]), terminated: no, over: no };
 * const advantages = rl.advantages(path, { discount: 0.5, lambda: 1 }); // [1.5, 1]
 */
export function advantages(
  { reward, value, nextValue, terminated, over }: Pick<Path, 'reward' | 'value' | 'nextValue' | 'terminated' | 'over'>,
  { discount, lambda }: Horizon,
): Tensor {
  const delta = sub(add(reward, mul(mul(nextValue, unless(terminated)), discount)), value);
  const share = mul(unless(over), discount * lambda);
  const step = (later: Tensor, x: { readonly delta: Tensor; readonly share: Tensor }) => {
    const own = add(x.delta, mul(x.share, later));
    return [own, own] as const;
  };
  const [, all] = scan(step, constant(0), { delta, share }, { reverse: true });
  return all;
}
