import { between, mjcf, type World } from '../world.ts';

export type ReacherPhysics = 'gravity' | 'upperLength' | 'lowerLength' | 'upperMass' | 'lowerMass' | 'torque';

const timestep = 0.01;

/**
 * An arm of two links whose tip is to be brought to a target and held there. Observation, lengths, times and start are
 * those of Gymnasium's Reacher-v5, and so is the reward but for a smaller price of control: minus the distance, minus
 * 0.02 times the action's square. The arm hangs upright in the air and its links weigh as much as their motors can
 * hold, so that masses and gravity decide what a motor has to do. The target lies where the arm can reach.
 */
export const reacher: World<ReacherPhysics> = {
  name: 'reacher',
  spec: {
    observation: [
      ...['cosShoulder', 'cosElbow', 'sinShoulder', 'sinElbow', 'targetX', 'targetZ'],
      ...['shoulderSpin', 'elbowSpin', 'tipToTargetX', 'tipToTargetZ'],
    ],
    action: { kind: 'continuous', size: 2, low: -1, high: 1 },
    physics: {
      gravity: { default: 9.81, low: 0, high: 15, unit: 'm/s^2', meaning: 'acceleration of gravity' },
      upperLength: { default: 0.1, low: 0.06, high: 0.16, unit: 'm', meaning: 'length of the link at the shoulder' },
      lowerLength: { default: 0.11, low: 0.06, high: 0.16, unit: 'm', meaning: 'length of the link at the tip' },
      upperMass: { default: 1, low: 0.5, high: 2, unit: 'kg', meaning: 'mass of the link at the shoulder' },
      lowerMass: { default: 1, low: 0.5, high: 2, unit: 'kg', meaning: 'mass of the link at the tip' },
      torque: { default: 10, low: 5, high: 20, unit: 'N m', meaning: 'torque of an action of 1 at either joint' },
    },
    limit: 50,
  },
  sites: ['shoulder', 'elbow', 'tip', 'target'],
  frameSkip: 2,
  timestep,
  xml: ({ gravity, upperLength, lowerLength, upperMass, lowerMass, torque }) =>
    mjcf(
      `timestep="${timestep}" integrator="RK4" gravity="0 0 ${-gravity}"`,
      `<compiler angle="radian"/>
  <default>
    <geom type="capsule" size="0.01" contype="0" conaffinity="0"/>
    <joint type="hinge" axis="0 -1 0" armature="0.02" damping="0.1"/>
  </default>
  <worldbody>
    <body name="upper">
      <joint name="shoulder"/>
      <geom fromto="0 0 0 ${upperLength} 0 0" mass="${upperMass}"/>
      <site name="shoulder"/>
      <body name="lower" pos="${upperLength} 0 0">
        <joint name="elbow" limited="true" range="-3 3"/>
        <geom fromto="0 0 0 ${lowerLength} 0 0" mass="${lowerMass}"/>
        <site name="elbow"/>
        <site name="tip" pos="${lowerLength} 0 0"/>
      </body>
    </body>
    <body name="target" mocap="true"><site name="target"/></body>
  </worldbody>
  <actuator><motor joint="shoulder" gear="${torque}"/><motor joint="elbow" gear="${torque}"/></actuator>`,
    ),
  start: ({ qpos, qvel, mocap, physics: { upperLength, lowerLength } }, random) => {
    for (const i of [0, 1]) {
      qpos[i] = between(random, -0.1, 0.1);
      qvel[i] = between(random, -0.005, 0.005);
    }
    // Uniform over the ring that is within reach, without its outermost twentieth.
    const [inner, outer] = [Math.abs(upperLength - lowerLength), 0.95 * (upperLength + lowerLength)];
    const distance = Math.sqrt(between(random, inner ** 2, outer ** 2));
    const angle = between(random, 0, 2 * Math.PI);
    mocap[0] = distance * Math.cos(angle);
    mocap[2] = distance * Math.sin(angle);
  },
  observe: ({ qpos: [shoulder = 0, elbow = 0], qvel: [shoulderSpin = 0, elbowSpin = 0], sites }, into) => {
    const { x, z } = toTarget(sites);
    into.set([Math.cos(shoulder), Math.cos(elbow), Math.sin(shoulder), Math.sin(elbow)]);
    into.set([sites[9] as number, sites[11] as number, shoulderSpin, elbowSpin, x, z], 4);
  },
  reward: ({ sites }, [shoulder = 0, elbow = 0]) => {
    const { x, z } = toTarget(sites);
    return -Math.hypot(x, z) - 0.02 * (shoulder ** 2 + elbow ** 2);
  },
  terminated: () => false,
};

/** From the target (the fourth site) to the tip (the third). */
const toTarget = (sites: Float64Array): { x: number; z: number } => ({
  x: (sites[6] as number) - (sites[9] as number),
  z: (sites[8] as number) - (sites[11] as number),
});
