import { abs, add, clip, cos, greater, maximum, mul, reshape, sin, stack, sub } from '../../tensor/index.ts';
import type { Environment } from '../environment.ts';
import {
  accelerations,
  type CartPolePhysics,
  type CartPoleState,
  cartPoleParameters,
  cartPoleTau,
  halfTrack,
} from './cartPole.ts';
import { uniforms } from './draws.ts';

/** What physics of {@link cartPoleSwingUp} is made of. */
export type CartPoleSwingUpPhysics = CartPolePhysics | 'friction';

/**
 * A pole that hangs from a cart and must be swung up and held there. The action is the force on the cart, [1] from -1
 * to 1 of the greatest one.
 *
 * Accelerations are those of {@link cartPole} (Barto, Sutton and Anderson 1983) under that force less the friction of
 * the cart, `friction` times its velocity. Steps of 0.02 s move on with the new velocities (semi-implicit Euler), which
 * keeps the energy of a swinging pole. With the new angle and position the reward is (1 + cos angle) / 2 *
 * cos(pi / 2 * position / 2.4), from 0 to 1, as in the swing-up of Ha 2017, after Gal et al. 2016. An episode ends where
 * the cart leaves its track of 4.8 m, and is cut off after 500 steps.
 * @example
 * const world = rl.cartPoleSwingUp();
 * const state = world.reset(random.key(0), rl.physicsOf(world));
 * const { reward } = world.step(state, constant([0.5]), rl.physicsOf(world, { friction: 0 }));
 */
export function cartPoleSwingUp(): Environment<CartPoleSwingUpPhysics, CartPoleState> {
  return {
    name: 'cartPoleSwingUp',
    spec: {
      observation: ['position', 'velocity', 'cos', 'sin', 'spin'],
      action: { kind: 'continuous', size: 1, low: -1, high: 1 },
      physics: {
        ...cartPoleParameters,
        friction: { default: 0.1, low: 0, high: 0.5, unit: 'N s/m', meaning: 'friction of the cart on its track' },
      },
      limit: 500,
    },
    reset: (key) => {
      const start = uniforms(key, ['position', 'velocity', 'angle', 'spin'], { low: -0.05, high: 0.05 });
      return { ...start, angle: add(start.angle, Math.PI) };
    },
    step: (now, action, physics) => {
      const pushed = mul(reshape(clip(action, -1, 1), []), physics.force);
      const { pull, turn } = accelerations(now, sub(pushed, mul(physics.friction, now.velocity)), physics);
      const velocity = add(now.velocity, mul(pull, cartPoleTau));
      const spin = add(now.spin, mul(turn, cartPoleTau));
      const position = add(now.position, mul(velocity, cartPoleTau));
      const angle = add(now.angle, mul(spin, cartPoleTau));
      const height = mul(add(cos(angle), 1), 0.5);
      const centred = maximum(cos(mul(position, Math.PI / 2 / halfTrack)), 0);
      return {
        state: { position, velocity, angle, spin },
        reward: mul(height, centred),
        terminated: greater(abs(position), halfTrack),
      };
    },
    observe: ({ position, velocity, angle, spin }) => stack([position, velocity, cos(angle), sin(angle), spin]),
  };
}
