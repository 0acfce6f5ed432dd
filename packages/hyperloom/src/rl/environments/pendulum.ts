import {
  add,
  clip,
  constant,
  cos,
  div,
  floor,
  mul,
  neg,
  reshape,
  sin,
  square,
  stack,
  sub,
  type Tensor,
} from '../../tensor/index.ts';
import type { Environment } from '../environment.ts';
import { uniforms } from './draws.ts';

/** What physics of {@link pendulum} is made of. */
export type PendulumPhysics = 'gravity' | 'mass' | 'length' | 'torque';

/** Angle of a pendulum, in radians from upright, and how fast it turns, in radians a second. */
export interface PendulumState {
  readonly angle: Tensor;
  readonly spin: Tensor;
}

/** Seconds of a step, and the greatest spin. */
const [tau, fastest] = [0.05, 8];

/** The same angle from -pi to pi. */
export const wrapped = (angle: Tensor): Tensor =>
  sub(angle, mul(floor(div(add(angle, Math.PI), 2 * Math.PI)), 2 * Math.PI));

/**
 * A rod that hangs at one end and is to be held upright by a torque that may be too weak to lift it at once (equations
 * and constants of Gymnasium's Pendulum-v1, steps of 0.05 s). The action is [1] from -1 to 1 of the greatest torque,
 * where Gymnasium's is the torque itself. The reward is -(angle^2 + 0.1 spin^2 + 0.001 torque^2) before the step; no
 * episode ends before its limit of 200 steps.
 * @example
 * const world = rl.pendulum();
 * const state = world.reset(random.key(0), rl.physicsOf(world));
 * const { reward } = world.step(state, constant([-0.5]), rl.physicsOf(world, { length: 0.7 }));
 */
export function pendulum(): Environment<PendulumPhysics, PendulumState> {
  return {
    name: 'pendulum',
    spec: {
      observation: ['cos', 'sin', 'spin'],
      action: { kind: 'continuous', size: 1, low: -1, high: 1 },
      physics: {
        gravity: { default: 10, low: 5, high: 15, unit: 'm/s^2', meaning: 'acceleration of gravity' },
        mass: { default: 1, low: 0.5, high: 1.5, unit: 'kg', meaning: 'mass of the rod' },
        length: { default: 1, low: 0.5, high: 1.5, unit: 'm', meaning: 'length of the rod' },
        torque: { default: 2, low: 1, high: 3, unit: 'N m', meaning: 'greatest torque' },
      },
      limit: 200,
    },
    reset: (key) => {
      const { angle, spin } = uniforms(key, ['angle', 'spin'], { low: -1, high: 1 });
      return { angle: mul(angle, Math.PI), spin };
    },
    step: ({ angle, spin }, action, { gravity, mass, length, torque }) => {
      const applied = mul(reshape(clip(action, -1, 1), []), torque);
      const cost = add(add(square(wrapped(angle)), mul(square(spin), 0.1)), mul(square(applied), 0.001));
      const fall = mul(div(mul(gravity, 1.5), length), sin(angle));
      const lift = mul(div(3, mul(mass, square(length))), applied);
      const next = clip(add(spin, mul(add(fall, lift), tau)), -fastest, fastest);
      return {
        state: { angle: add(angle, mul(next, tau)), spin: next },
        reward: neg(cost),
        terminated: constant(0, 'bool'),
      };
    },
    observe: ({ angle, spin }) => stack([cos(angle), sin(angle), spin]),
  };
}
