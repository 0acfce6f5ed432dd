import loadMujoco from 'mujoco-js';
import { beforeAll, describe, expect, it } from 'vitest';

import { share } from './shared.ts';
import { type Simulation, simulate } from './simulation.ts';
import { mjcf, type World } from './world.ts';
import { worlds } from './worlds/index.ts';

let mujoco: Awaited<ReturnType<typeof loadMujoco>>;
beforeAll(async () => {
  mujoco = await loadMujoco();
});

/** Copies of a world in this thread, with physics by name: a value for each copy. */
function begun(world: World, copies: number, physics: Record<string, readonly number[]> = {}) {
  const shared = share(world, copies);
  Object.entries(world.spec.physics).forEach(([name, parameter], i) => {
    for (let copy = 0; copy < copies; copy++)
      shared.physics[i * copies + copy] = physics[name]?.[copy] ?? parameter.default;
  });
  const simulation = simulate(mujoco, world, { first: 0, end: copies, shared });
  simulation.reset();
  return { shared, simulation };
}

/** The first number that each copy shows after some steps. */
function after(steps: number, { simulation, shared }: { simulation: Simulation; shared: ReturnType<typeof share> }) {
  for (let i = 0; i < steps; i++) simulation.step();
  return shared.reached;
}

/** A rod without friction that swings from a fixed hinge, 0.02 rad to each side. */
const pendulum: World<'gravity' | 'length'> = {
  name: 'pendulum',
  spec: {
    observation: ['angle', 'spin'],
    action: { kind: 'continuous', size: 1, low: -1, high: 1 },
    physics: {
      gravity: { default: 9.81, low: 1, high: 20, unit: 'm/s^2', meaning: 'acceleration of gravity' },
      length: { default: 1, low: 0.1, high: 2, unit: 'm', meaning: 'length of the rod' },
    },
    limit: 10_000,
  },
  sites: [],
  frameSkip: 1,
  timestep: 0.001,
  xml: ({ gravity, length }) =>
    mjcf(
      `timestep="0.001" integrator="RK4" gravity="0 0 ${-gravity}"`,
      `<worldbody><body>
        <joint name="hinge" type="hinge" axis="0 1 0"/>
        <geom type="cylinder" fromto="0 0 0 0 0 ${-length}" size="0.001" mass="1"/>
      </body></worldbody>
      <actuator><motor joint="hinge" gear="0"/></actuator>`,
    ),
  start: ({ qpos }) => {
    qpos[0] = 0.02;
  },
  observe: ({ qpos, qvel }, into) => into.set([qpos[0] as number, qvel[0] as number]),
  reward: () => 0,
  terminated: () => false,
};

describe('MuJoCo', () => {
  it('swings a rod in the time that theory gives', () => {
    const [gravities, lengths] = [
      [9.81, 4, 9.81],
      [1, 1, 0.3],
    ];
    const started = begun(pendulum, 3, { gravity: gravities, length: lengths });
    const crossings: number[][] = [[], [], []];
    let last = started.shared.observations.slice();
    for (let step = 1; step < 4000; step++) {
      started.simulation.step();
      const { observations: now } = started.shared;
      for (const [copy, times] of crossings.entries()) {
        const [from, to] = [last[2 * copy] as number, now[2 * copy] as number];
        if (from > 0 && to <= 0) times.push(0.001 * (step - 1 + from / (from - to)));
      }
      last = now.slice();
    }
    const periods = crossings.map(([first = 0, second = 0]) => second - first);
    // A uniform rod about its end: T = 2 pi sqrt(2 L / 3 g), longer by a part in 40,000 at 0.02 rad.
    const theory = gravities.map((g, i) => 2 * Math.PI * Math.sqrt((2 * (lengths[i] as number)) / (3 * g)));
    for (const [i, period] of periods.entries()) expect(period / (theory[i] as number)).toBeCloseTo(1, 3);
  });
});

describe('a simulation', () => {
  it.each([
    ['cartPoleSwingUp', 'poleLength', [0.5, 1, 2]],
    ['reacher', 'lowerMass', [0.5, 1, 2]],
    ['hopper', 'thighLength', [0.35, 0.45, 0.6]],
  ] as const)('of %s moves otherwise when %s is another', (name, parameter, values) => {
    const world = worlds[name] as World;
    const moved = after(20, begun(world, 3, { [parameter]: values }));
    const width = world.spec.observation.length;
    const rows = [0, 1, 2].map((copy) =>
      [...moved.subarray(copy * width, (copy + 1) * width)].map((v) => v.toFixed(3)).join(),
    );
    expect(new Set(rows).size).toBe(3);
  });

  it('pushes a cart with the force of the action, clipped to 1', () => {
    const started = begun(worlds.cartPoleSwingUp as World, 3);
    started.shared.actions.set([1, -1, 7]);
    started.simulation.step();
    const [right, left, clipped] = [1, 6, 11].map((i) => started.shared.reached[i] as number);
    // 10 N for 0.02 s on 1.1 kg, of which the hanging pole follows in part; it starts with up to 0.02 m/s.
    expect(right).toBeGreaterThan(0.15);
    expect(right).toBeLessThan(0.22);
    expect(left).toBeLessThan(-0.15);
    expect(clipped).toBeCloseTo(right as number, 1);
  });

  it('puts the targets of a reacher over the whole ring that its arm reaches', () => {
    const copies = 300;
    const { shared } = begun(worlds.reacher as World, copies);
    const targets = Array.from({ length: copies }, (_, copy) => [
      ...shared.points.subarray(8 * copy + 6, 8 * copy + 8),
    ]);
    const distances = targets.map(([x = 0, z = 0]) => Math.hypot(x, z));
    const outer = 0.95 * 0.21;
    expect(Math.min(...distances)).toBeGreaterThan(0.01);
    expect(Math.max(...distances)).toBeLessThan(outer);
    // Uniform over the area: half of it lies beyond 0.707 of the radius, and a quarter in each quadrant.
    const beyond = distances.filter((d) => d > Math.sqrt((outer ** 2 + 0.01 ** 2) / 2)).length / copies;
    expect(Math.abs(beyond - 0.5)).toBeLessThan(0.1);
    const quadrant = targets.filter(([x = 0, z = 0]) => x > 0 && z > 0).length / copies;
    expect(Math.abs(quadrant - 0.25)).toBeLessThan(0.08);
  });

  it('shows where the tip of a reacher is at once, and not a step later', () => {
    const { shared } = begun(worlds.reacher as World, 4);
    for (let copy = 0; copy < 4; copy++) {
      const seen = shared.observations.subarray(10 * copy, 10 * copy + 10);
      const [shoulder, elbow] = [
        Math.atan2(seen[2] as number, seen[0] as number),
        Math.atan2(seen[3] as number, seen[1] as number),
      ];
      const x = 0.1 * Math.cos(shoulder) + 0.11 * Math.cos(shoulder + elbow) - (seen[4] as number);
      const z = 0.1 * Math.sin(shoulder) + 0.11 * Math.sin(shoulder + elbow) - (seen[5] as number);
      expect(seen[8]).toBeCloseTo(x, 6);
      expect(seen[9]).toBeCloseTo(z, 6);
    }
  });

  it('ends the episode of a hopper that falls, and begins another', () => {
    const started = begun(worlds.hopper as World, 1);
    let steps = 0;
    do {
      started.simulation.step();
      steps++;
    } while (!started.shared.terminated[0] && steps < 500);
    // Without torque it topples within a second or two.
    expect(steps).toBeGreaterThan(20);
    expect(steps).toBeLessThan(300);
    expect(started.shared.observations[0]).toBeCloseTo(1.25, 1);
    expect(Math.abs(started.shared.reached[1] as number) > 0.19 || (started.shared.reached[0] as number) < 0.71).toBe(
      true,
    );
  });
});
