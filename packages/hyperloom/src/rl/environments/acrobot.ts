import {
  add,
  cast,
  clip,
  cos,
  div,
  greater,
  mul,
  neg,
  sin,
  square,
  stack,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import type { Environment, Physics } from '../environment.ts';
import { uniforms } from './draws.ts';
import { wrapped } from './pendulum.ts';

/** What physics of {@link acrobot} is made of. */
export type AcrobotPhysics = 'gravity' | 'mass1' | 'mass2' | 'length1' | 'length2' | 'inertia' | 'torque';

/**
 * Angles of two links, in radians, and how fast they turn, in radians a second: the first from hanging down, the second
 * from the direction of the first.
 */
export interface AcrobotState {
  readonly angle1: Tensor;
  readonly angle2: Tensor;
  readonly spin1: Tensor;
  readonly spin2: Tensor;
}

/** Seconds of a step, and the greatest spin of each link. */
const [tau, fastest1, fastest2] = [0.2, 4 * Math.PI, 9 * Math.PI];

/** How fast each number of the state changes: the equations of motion in Sutton and Barto's book. */
function change(
  { angle1, angle2, spin1, spin2 }: AcrobotState,
  torque: Tensor,
  { gravity, mass1, mass2, length1, length2, inertia }: Physics<AcrobotPhysics>,
): AcrobotState {
  const [centre1, centre2] = [mul(length1, 0.5), mul(length2, 0.5)];
  const coupling = mul(mass2, mul(length1, centre2));
  const [c, s] = [mul(coupling, cos(angle2)), mul(coupling, sin(angle2))];
  const inner = add(mul(mass2, square(centre2)), inertia);
  const d2 = add(inner, c);
  const outer = add(add(mul(mass1, square(centre1)), mul(mass2, square(length1))), inertia);
  const d1 = add(add(outer, inner), mul(c, 2));
  // cos(x - pi / 2) is sin(x).
  const phi2 = mul(mul(mul(mass2, centre2), gravity), sin(add(angle1, angle2)));
  const weight1 = mul(add(mul(mass1, centre1), mul(mass2, length1)), gravity);
  const swing = mul(s, mul(spin2, add(spin2, mul(spin1, 2))));
  const phi1 = add(sub(mul(weight1, sin(angle1)), swing), phi2);
  const share = div(d2, d1);
  const turn2 = div(sub(sub(add(torque, mul(share, phi1)), mul(s, square(spin1))), phi2), sub(inner, mul(share, d2)));
  const turn1 = neg(div(add(mul(d2, turn2), phi1), d1));
  return { angle1: spin1, angle2: spin2, spin1: turn1, spin2: turn2 };
}

/** Where a state is after a time at which it changes as given. */
const after = (from: AcrobotState, rate: AcrobotState, time: number): AcrobotState => ({
  angle1: add(from.angle1, mul(rate.angle1, time)),
  angle2: add(from.angle2, mul(rate.angle2, time)),
  spin1: add(from.spin1, mul(rate.spin1, time)),
  spin2: add(from.spin2, mul(rate.spin2, time)),
});

/** One step of Runge and Kutta's method of fourth order. */
function moved(from: AcrobotState, torque: Tensor, physics: Physics<AcrobotPhysics>): AcrobotState {
  const first = change(from, torque, physics);
  const second = change(after(from, first, tau / 2), torque, physics);
  const third = change(after(from, second, tau / 2), torque, physics);
  const fourth = change(after(from, third, tau), torque, physics);
  const rate = (name: keyof AcrobotState) =>
    mul(add(add(first[name], fourth[name]), mul(add(second[name], third[name]), 2)), 1 / 6);
  return after(
    from,
    { angle1: rate('angle1'), angle2: rate('angle2'), spin1: rate('spin1'), spin2: rate('spin2') },
    tau,
  );
}

/**
 * Two links that hang one from the other, with a motor in the joint between them: its torque is to the one side (action
 * 0), none (1) or to the other (2). Each step gives -1 until the tip is above the pivot by half of both lengths, which
 * gives 0 and ends the episode (Sutton 1996; equations of the book and constants of Gymnasium's Acrobot-v1, steps of
 * 0.2 s, limit of 500). Links weigh at their middle; for links of other lengths the height to reach goes with them,
 * where Gymnasium always asks for that of links of 1 m.
 * @example
 * const world = rl.acrobot();
 * const state = world.reset(random.key(0), rl.physicsOf(world));
 * const { terminated } = world.step(state, constant(2, 'int32'), rl.physicsOf(world, { mass2: 1.5 }));
 */
export function acrobot(): Environment<AcrobotPhysics, AcrobotState> {
  return {
    name: 'acrobot',
    spec: {
      observation: ['cos1', 'sin1', 'cos2', 'sin2', 'spin1', 'spin2'],
      action: { kind: 'discrete', count: 3 },
      physics: {
        gravity: { default: 9.8, low: 5, high: 15, unit: 'm/s^2', meaning: 'acceleration of gravity' },
        mass1: { default: 1, low: 0.5, high: 1.5, unit: 'kg', meaning: 'mass of the link that hangs from the pivot' },
        mass2: { default: 1, low: 0.5, high: 1.5, unit: 'kg', meaning: 'mass of the other link' },
        length1: { default: 1, low: 0.5, high: 1.5, unit: 'm', meaning: 'length of the link at the pivot' },
        length2: { default: 1, low: 0.5, high: 1.5, unit: 'm', meaning: 'length of the other link' },
        inertia: { default: 1, low: 0.5, high: 1.5, unit: 'kg m^2', meaning: 'moment of inertia of each link' },
        torque: { default: 1, low: 0.5, high: 2, unit: 'N m', meaning: 'torque of the motor' },
      },
      limit: 500,
    },
    reset: (key) => uniforms(key, ['angle1', 'angle2', 'spin1', 'spin2'], { low: -0.1, high: 0.1 }),
    step: (now, action, physics) => {
      const torque = mul(sub(cast(action, physics.torque.dtype), 1), physics.torque);
      const next = moved(now, torque, physics);
      const state = {
        angle1: wrapped(next.angle1),
        angle2: wrapped(next.angle2),
        spin1: clip(next.spin1, -fastest1, fastest1),
        spin2: clip(next.spin2, -fastest2, fastest2),
      };
      const { length1, length2 } = physics;
      const depth = add(mul(length1, cos(state.angle1)), mul(length2, cos(add(state.angle1, state.angle2))));
      const terminated = greater(neg(depth), mul(add(length1, length2), 0.5));
      return { state, reward: where(terminated, 0, -1), terminated };
    },
    observe: ({ angle1, angle2, spin1, spin2 }) =>
      stack([cos(angle1), sin(angle1), cos(angle2), sin(angle2), spin1, spin2]),
  };
}
