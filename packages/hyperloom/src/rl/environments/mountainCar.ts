import {
  add,
  and,
  cast,
  clip,
  constant,
  cos,
  greaterEqual,
  less,
  lessEqual,
  mul,
  random,
  stack,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import type { Environment, PhysicsParameter } from '../environment.ts';

/** What physics of {@link mountainCar} is made of. */
export type MountainCarPhysics = 'gravity' | 'force';

/** Where a car is along its valley, and how far it goes in a step. */
export interface MountainCarState {
  readonly position: Tensor;
  readonly velocity: Tensor;
}

/** The valley from end to end, and the greatest velocity. */
const [leftEnd, rightEnd, fastest] = [-1.2, 0.6, 0.07];

/** Gravity of every car in the valley. */
export const carGravity: PhysicsParameter = {
  default: 0.0025,
  low: 0.0015,
  high: 0.0035,
  unit: '1/step^2',
  meaning: 'acceleration of gravity along the steepest slope',
};

/** A car at rest near the bottom of the valley. */
export const carAtRest = (key: Tensor): MountainCarState => ({
  position: random.uniform(key, [], { low: -0.6, high: -0.4 }),
  velocity: constant(0),
});

/** The car after a step; it stops at the left end. */
export function driven({ position, velocity }: MountainCarState, push: Tensor, gravity: Tensor): MountainCarState {
  const slope = mul(cos(mul(position, 3)), gravity);
  const speed = clip(sub(add(velocity, push), slope), -fastest, fastest);
  const place = clip(add(position, speed), leftEnd, rightEnd);
  const stopped = and(lessEqual(place, leftEnd), less(speed, 0));
  return { position: place, velocity: where(stopped, 0, speed) };
}

/** Whether the car has come to the flag, without rolling back. */
export const atFlag = ({ position, velocity }: MountainCarState, flag: number): Tensor =>
  and(greaterEqual(position, flag), greaterEqual(velocity, 0));

/**
 * A car in a valley that must swing to reach the flag on the right, too steep for its engine: driven to the left (action
 * 0), rolling (1) or to the right (2). Each step gives -1; an episode ends at the flag, 0.5, and is cut off after 200
 * steps (Moore 1990; equations and constants of Gymnasium's MountainCar-v0).
 * @example
 * const world = rl.mountainCar();
 * const state = world.reset(random.key(0), rl.physicsOf(world));
 * const { terminated } = world.step(state, constant(2, 'int32'), rl.physicsOf(world, { gravity: 0.002 }));
 */
export function mountainCar(): Environment<MountainCarPhysics, MountainCarState> {
  return {
    name: 'mountainCar',
    spec: {
      observation: ['position', 'velocity'],
      action: { kind: 'discrete', count: 3 },
      physics: {
        gravity: carGravity,
        force: { default: 0.001, low: 0.0005, high: 0.0015, unit: '1/step^2', meaning: 'acceleration of the engine' },
      },
      limit: 200,
    },
    reset: carAtRest,
    step: (now, action, { gravity, force }) => {
      const state = driven(now, mul(sub(cast(action, force.dtype), 1), force), gravity);
      return { state, reward: constant(-1), terminated: atFlag(state, 0.5) };
    },
    observe: ({ position, velocity }) => stack([position, velocity]),
  };
}
