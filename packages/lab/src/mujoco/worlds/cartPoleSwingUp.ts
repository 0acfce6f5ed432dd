import { between, mjcf, type World } from '../world.ts';

export type CartPoleSwingUpPhysics = 'gravity' | 'cartMass' | 'poleMass' | 'poleLength' | 'force';

/** 1 at 0, 0.1 at the margin, along a bell curve. */
const near = (value: number, margin: number): number => 0.1 ** ((value / margin) ** 2);
const timestep = 0.01;

/**
 * A pole that hangs from a cart and is to be swung up and held. Masses, forces and reward (from 0 to 1 a step: upright,
 * in the middle, slow, with little force) are those of the swing-up of the DeepMind Control Suite (Tassa et al. 2018).
 */
export const cartPoleSwingUp: World<CartPoleSwingUpPhysics> = {
  name: 'cartPoleSwingUp',
  spec: {
    observation: ['position', 'velocity', 'cosAngle', 'sinAngle', 'spin'],
    action: { kind: 'continuous', size: 1, low: -1, high: 1 },
    physics: {
      gravity: { default: 9.81, low: 5, high: 15, unit: 'm/s^2', meaning: 'acceleration of gravity' },
      cartMass: { default: 1, low: 0.5, high: 2, unit: 'kg', meaning: 'mass of the cart' },
      poleMass: { default: 0.1, low: 0.05, high: 0.5, unit: 'kg', meaning: 'mass of the pole' },
      poleLength: { default: 1, low: 0.5, high: 2, unit: 'm', meaning: 'length of the pole' },
      force: { default: 10, low: 5, high: 20, unit: 'N', meaning: 'force of an action of 1' },
    },
    limit: 250,
  },
  sites: ['cart', 'tip'],
  frameSkip: 2,
  timestep,
  xml: ({ gravity, cartMass, poleMass, poleLength, force }) =>
    mjcf(
      `timestep="${timestep}" integrator="RK4" gravity="0 0 ${-gravity}"`,
      `<default><geom contype="0" conaffinity="0"/></default>
  <worldbody>
    <body name="cart">
      <joint name="slider" type="slide" axis="1 0 0" limited="true" range="-1.8 1.8" damping="0.0005"
        solreflimit="0.08 1" margin="0.01"/>
      <geom type="box" size="0.2 0.15 0.1" mass="${cartMass}"/>
      <site name="cart"/>
      <body name="pole">
        <joint name="hinge" type="hinge" axis="0 1 0" damping="0.000002"/>
        <geom type="capsule" fromto="0 0 0 0 0 ${poleLength}" size="0.045" mass="${poleMass}"/>
        <site name="tip" pos="0 0 ${poleLength}"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="slider" gear="${force}"/></actuator>`,
    ),
  start: ({ qpos, qvel }, random) => {
    qpos[0] = between(random, -0.02, 0.02);
    qpos[1] = Math.PI + between(random, -0.02, 0.02);
    qvel[0] = between(random, -0.02, 0.02);
    qvel[1] = between(random, -0.02, 0.02);
  },
  observe: ({ qpos: [position = 0, angle = 0], qvel: [velocity = 0, spin = 0] }, into) =>
    into.set([position, velocity, Math.cos(angle), Math.sin(angle), spin]),
  reward: ({ qpos: [position = 0, angle = 0], qvel: [, spin = 0] }, [action = 0]) =>
    ((1 + Math.cos(angle)) / 2) *
    ((1 + near(position, 2)) / 2) *
    ((4 + 1 - action ** 2) / 5) *
    ((1 + near(spin, 5)) / 2),
  terminated: () => false,
};
