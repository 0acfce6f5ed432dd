import {
  abs,
  add,
  constant,
  cos,
  div,
  equal,
  greater,
  mul,
  or,
  random,
  reshape,
  sin,
  split,
  square,
  stack,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';

import type { Environment } from '../environment.ts';

/** What physics of {@link cartPole} is made of. */
export type CartPolePhysics = 'gravity' | 'cartMass' | 'poleMass' | 'halfLength' | 'force';

/** Where cart and pole are and how fast they move: metres, radians (0 is upright), seconds. */
export interface CartPoleState {
  readonly position: Tensor;
  readonly velocity: Tensor;
  readonly angle: Tensor;
  readonly spin: Tensor;
}

/** Seconds of a step. */
const tau = 0.02;
/** The angle and the position at which an episode ends: 12 degrees, 2.4 m. */
const [steepest, farthest] = [(12 * 2 * Math.PI) / 360, 2.4];

/**
 * A pole on a cart that is pushed to the left (action 0) or right (1); each step upright gives a reward of 1 (Barto,
 * Sutton and Anderson 1983; equations and constants of Gymnasium's CartPole-v1, explicit Euler steps of 0.02 s).
 * @example
 * const world = rl.cartPole();
 * const state = world.reset(random.key(0), rl.physicsOf(world));
 * const next = world.step(state, constant(1, 'int32'), rl.physicsOf(world, { halfLength: 1 }));
 */
export function cartPole(): Environment<CartPolePhysics, CartPoleState> {
  return {
    name: 'cartPole',
    spec: {
      observation: ['position', 'velocity', 'angle', 'spin'],
      action: { kind: 'discrete', count: 2 },
      physics: {
        gravity: { default: 9.8, low: 5, high: 15, unit: 'm/s^2', meaning: 'acceleration of gravity' },
        cartMass: { default: 1, low: 0.5, high: 2, unit: 'kg', meaning: 'mass of the cart' },
        poleMass: { default: 0.1, low: 0.05, high: 0.5, unit: 'kg', meaning: 'mass of the pole' },
        halfLength: { default: 0.5, low: 0.25, high: 1.5, unit: 'm', meaning: 'half of the length of the pole' },
        force: { default: 10, low: 5, high: 15, unit: 'N', meaning: 'force of a push' },
      },
      limit: 500,
    },
    reset: (key) => {
      const [position, velocity, angle, spin] = split(
        random.uniform(key, [4], { low: -0.05, high: 0.05 }),
        [1, 1, 1, 1],
      ).map((t) => reshape(t, [])) as [Tensor, Tensor, Tensor, Tensor];
      return { position, velocity, angle, spin };
    },
    step: ({ position, velocity, angle, spin }, action, { gravity, cartMass, poleMass, halfLength, force }) => {
      const push = where(equal(action, 1), force, mul(force, -1));
      const total = add(cartMass, poleMass);
      const moment = mul(poleMass, halfLength);
      const [c, s] = [cos(angle), sin(angle)];
      const share = div(add(push, mul(mul(moment, square(spin)), s)), total);
      const turn = div(
        sub(mul(gravity, s), mul(c, share)),
        mul(halfLength, sub(4 / 3, div(mul(poleMass, square(c)), total))),
      );
      const pull = sub(share, div(mul(mul(moment, turn), c), total));
      const state = {
        position: add(position, mul(velocity, tau)),
        velocity: add(velocity, mul(pull, tau)),
        angle: add(angle, mul(spin, tau)),
        spin: add(spin, mul(turn, tau)),
      };
      const terminated = or(greater(abs(state.position), farthest), greater(abs(state.angle), steepest));
      return { state, reward: constant(1), terminated };
    },
    observe: ({ position, velocity, angle, spin }) => stack([position, velocity, angle, spin]),
  };
}
