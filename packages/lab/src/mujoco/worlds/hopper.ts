import { between, mjcf, type World } from '../world.ts';

export type HopperPhysics =
  | ('gravity' | 'torsoMass' | 'thighMass' | 'legMass')
  | ('thighLength' | 'legLength' | 'footLength' | 'torque');

const [timestep, frameSkip] = [0.002, 4];
/** Metres of the torso, and of the ankle above the ground. */
const [torso, ankle] = [0.4, 0.1];

/** The height of the torso's middle in the upright stance. */
const stance = ({ thighLength, legLength }: Readonly<Record<HopperPhysics, number>>): number =>
  torso / 2 + thighLength + legLength + ankle;

/**
 * A leg that is to hop to the right: torso, thigh, lower leg and foot in a plane. Sizes, joints, observation and reward
 * (1 for each step in good health, the speed, minus 0.001 times the action's square) are those of Gymnasium's Hopper-v5,
 * with 0.7 m, the least height of its torso, as the same share of the height of this body's stance.
 */
export const hopper: World<HopperPhysics> = {
  name: 'hopper',
  spec: {
    observation: [
      ...['height', 'torsoAngle', 'hip', 'knee', 'ankle'],
      ...['velocityX', 'velocityZ', 'torsoSpin', 'hipSpin', 'kneeSpin', 'ankleSpin'],
    ],
    action: { kind: 'continuous', size: 3, low: -1, high: 1 },
    physics: {
      gravity: { default: 9.81, low: 7, high: 13, unit: 'm/s^2', meaning: 'acceleration of gravity' },
      torsoMass: { default: 3.7, low: 2, high: 6, unit: 'kg', meaning: 'mass of the torso' },
      thighMass: { default: 4, low: 2.5, high: 6, unit: 'kg', meaning: 'mass of the thigh' },
      legMass: { default: 2.8, low: 1.5, high: 4, unit: 'kg', meaning: 'mass of the lower leg' },
      thighLength: { default: 0.45, low: 0.35, high: 0.6, unit: 'm', meaning: 'length of the thigh' },
      legLength: { default: 0.5, low: 0.4, high: 0.65, unit: 'm', meaning: 'length of the lower leg' },
      footLength: { default: 0.39, low: 0.3, high: 0.5, unit: 'm', meaning: 'length of the foot' },
      torque: { default: 200, low: 150, high: 250, unit: 'N m', meaning: 'torque of an action of 1 at each joint' },
    },
    limit: 500,
  },
  sites: ['top', 'hip', 'knee', 'ankle', 'heel', 'toe'],
  frameSkip,
  timestep,
  xml: (physics) => {
    const { gravity, torsoMass, thighMass, legMass, thighLength, legLength, footLength, torque } = physics;
    const height = stance(physics);
    const [heel, toe] = [-footLength / 3, (footLength * 2) / 3];
    return mjcf(
      `timestep="${timestep}" integrator="RK4" gravity="0 0 ${-gravity}"`,
      `<default>
    <joint type="hinge" axis="0 -1 0" armature="1" damping="1" limited="true"/>
    <geom type="capsule" condim="3" friction="0.9" margin="0.001" solimp="0.8 0.8 0.01" solref="0.02 1"
      contype="0" conaffinity="1"/>
    <motor gear="${torque}"/>
  </default>
  <worldbody>
    <geom type="plane" size="1 1 1" contype="1" conaffinity="0"/>
    <body name="torso" pos="0 0 ${height}">
      <joint name="x" type="slide" axis="1 0 0" armature="0" damping="0" limited="false"/>
      <joint name="z" type="slide" axis="0 0 1" armature="0" damping="0" limited="false" ref="${height}"/>
      <joint name="y" axis="0 1 0" armature="0" damping="0" limited="false"/>
      <geom fromto="0 0 ${torso / 2} 0 0 ${-torso / 2}" size="0.05" mass="${torsoMass}"/>
      <site name="top" pos="0 0 ${torso / 2}"/>
      <site name="hip" pos="0 0 ${-torso / 2}"/>
      <body name="thigh" pos="0 0 ${-torso / 2}">
        <joint name="hip" range="-150 0"/>
        <geom fromto="0 0 0 0 0 ${-thighLength}" size="0.05" mass="${thighMass}"/>
        <site name="knee" pos="0 0 ${-thighLength}"/>
        <body name="leg" pos="0 0 ${-thighLength}">
          <joint name="knee" range="-150 0"/>
          <geom fromto="0 0 0 0 0 ${-legLength}" size="0.04" mass="${legMass}"/>
          <site name="ankle" pos="0 0 ${-legLength}"/>
          <body name="foot" pos="0 0 ${-legLength}">
            <joint name="ankle" range="-45 45"/>
            <geom fromto="${heel} 0 0 ${toe} 0 0" size="0.06" mass="5.3" friction="2"/>
            <site name="heel" pos="${heel} 0 0"/>
            <site name="toe" pos="${toe} 0 0"/>
          </body>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="hip"/><motor joint="knee"/><motor joint="ankle"/></actuator>`,
    );
  },
  start: ({ qpos, qvel, physics }, random) => {
    for (let i = 0; i < 6; i++) {
      qpos[i] = (i === 1 ? stance(physics) : 0) + between(random, -0.005, 0.005);
      qvel[i] = between(random, -0.005, 0.005);
    }
  },
  observe: ({ qpos, qvel }, into) => {
    into.set(qpos.subarray(1));
    for (let i = 0; i < 6; i++) into[5 + i] = Math.min(Math.max(qvel[i] as number, -10), 10);
  },
  reward: (copy, action) => {
    const speed = ((copy.qpos[0] as number) - (copy.before[0] as number)) / (timestep * frameSkip);
    return (isHealthy(copy) ? 1 : 0) + speed - 0.001 * action.reduce((sum, a) => sum + a ** 2, 0);
  },
  terminated: (copy) => !isHealthy(copy),
};

/** Upright within 0.2 rad and high enough; all else within 100 (Hopper-v5). */
function isHealthy({ qpos, qvel, physics }: Parameters<typeof hopper.terminated>[0]): boolean {
  const [, height = 0, angle = 0] = qpos;
  const bounded = [...qpos.subarray(2), ...qvel].every((value) => Math.abs(value) < 100);
  return bounded && height > (0.7 / 1.25) * stance(physics) && Math.abs(angle) < 0.2;
}
