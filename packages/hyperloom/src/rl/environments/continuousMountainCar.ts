import { cast, clip, mul, reshape, square, stack, sub } from '../../tensor/index.ts';
import type { Environment } from '../environment.ts';
import {
  atFlag,
  carAtRest,
  carGravity,
  driven,
  type MountainCarPhysics,
  type MountainCarState,
} from './mountainCar.ts';

/**
 * The car of {@link mountainCar} with an engine that can be set: the action is [1] from -1 to 1 of its force. A step
 * costs 0.1 of the action's square; the flag, at 0.45, gives 100 and ends the episode, which is cut off after 999 steps
 * (equations and constants of Gymnasium's MountainCarContinuous-v0; the cost is of the action as clipped).
 * @example
 * const world = rl.continuousMountainCar();
 * const state = world.reset(random.key(0), rl.physicsOf(world));
 * const { reward } = world.step(state, constant([1]), rl.physicsOf(world)); // -0.1
 */
export function continuousMountainCar(): Environment<MountainCarPhysics, MountainCarState> {
  return {
    name: 'continuousMountainCar',
    spec: {
      observation: ['position', 'velocity'],
      action: { kind: 'continuous', size: 1, low: -1, high: 1 },
      physics: {
        gravity: carGravity,
        force: { default: 0.0015, low: 0.001, high: 0.002, unit: '1/step^2', meaning: 'acceleration of the engine' },
      },
      limit: 999,
    },
    reset: carAtRest,
    step: (now, action, { gravity, force }) => {
      const engine = reshape(clip(action, -1, 1), []);
      const state = driven(now, mul(engine, force), gravity);
      const terminated = atFlag(state, 0.45);
      return { state, reward: sub(mul(cast(terminated, engine.dtype), 100), mul(square(engine), 0.1)), terminated };
    },
    observe: ({ position, velocity }) => stack([position, velocity]),
  };
}
