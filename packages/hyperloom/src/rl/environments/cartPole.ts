import {
  abs,
  add,
  constant,
  cos,
  div,
  equal,
  greater,
  mul,
  neg,
  or,
  sin,
  square,
  stack,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import type { Environment, Physics, PhysicsParameter } from '../environment.ts';
import { uniforms } from './draws.ts';

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
export const cartPoleTau = 0.02;
/** Half of the track, in metres: beyond it an episode ends. */
export const halfTrack = 2.4;
/** The angle at which an episode ends: 12 degrees. */
const steepest = (12 * 2 * Math.PI) / 360;

/** Parameters of every cart with a pole. */
export const cartPoleParameters: Readonly<Record<CartPolePhysics, PhysicsParameter>> = {
  gravity: { default: 9.8, low: 5, high: 15, unit: 'm/s^2', meaning: 'acceleration of gravity' },
  cartMass: { default: 1, low: 0.5, high: 2, unit: 'kg', meaning: 'mass of the cart' },
  poleMass: { default: 0.1, low: 0.05, high: 0.5, unit: 'kg', meaning: 'mass of the pole' },
  halfLength: { default: 0.5, low: 0.25, high: 1.5, unit: 'm', meaning: 'half of the length of the pole' },
  force: { default: 10, low: 5, high: 15, unit: 'N', meaning: 'greatest force on the cart' },
};

/** Accelerations of cart and pole under a force on the cart, of a track and a joint without friction. */
export function accelerations(
  { angle, spin }: Pick<CartPoleState, 'angle' | 'spin'>,
  push: Tensor,
  { gravity, cartMass, poleMass, halfLength }: Physics<CartPolePhysics>,
): { readonly pull: Tensor; readonly turn: Tensor } {
  const total = add(cartMass, poleMass);
  const moment = mul(poleMass, halfLength);
  const [c, s] = [cos(angle), sin(angle)];
  const share = div(add(push, mul(mul(moment, square(spin)), s)), total);
  const turn = div(
    sub(mul(gravity, s), mul(c, share)),
    mul(halfLength, sub(4 / 3, div(mul(poleMass, square(c)), total))),
  );
  return { turn, pull: sub(share, div(mul(mul(moment, turn), c), total)) };
}

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
      physics: cartPoleParameters,
      limit: 500,
    },
    reset: (key) => uniforms(key, ['position', 'velocity', 'angle', 'spin'], { low: -0.05, high: 0.05 }),
    step: (now, action, physics) => {
      const push = where(equal(action, 1), physics.force, neg(physics.force));
      const { pull, turn } = accelerations(now, push, physics);
      const state = {
        position: add(now.position, mul(now.velocity, cartPoleTau)),
        velocity: add(now.velocity, mul(pull, cartPoleTau)),
        angle: add(now.angle, mul(now.spin, cartPoleTau)),
        spin: add(now.spin, mul(turn, cartPoleTau)),
      };
      const terminated = or(greater(abs(state.position), halfTrack), greater(abs(state.angle), steepest));
      return { state, reward: constant(1), terminated };
    },
    observe: ({ position, velocity, angle, spin }) => stack([position, velocity, angle, spin]),
  };
}
