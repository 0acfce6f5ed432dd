import { afterEach, describe, expect, it } from 'vitest';

import { type MujocoEnvironment, type MujocoOptions, mujocoEnvironment } from './environment.ts';
import { type WorldName, worlds } from './worlds/index.ts';

const open: MujocoEnvironment[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((world) => world.close()));
});
async function opened<W extends WorldName>(name: W, options: MujocoOptions) {
  const world = await mujocoEnvironment(name, options);
  open.push(world);
  return world;
}

/** All that an environment gives in some steps from a reset. */
async function played(world: MujocoEnvironment, iteration: number, steps = 30): Promise<number[]> {
  const physics = { gravity: Array.from({ length: world.copies }, (_, copy) => 9 + copy / 4) };
  const given = [...(await world.reset({ seed: 3, iteration, physics }))];
  const { action } = world.spec;
  const actions = new Float32Array(world.copies * (action.kind === 'continuous' ? action.size : 1));
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < actions.length; i++) actions[i] = Math.sin(step * 7.3 + i);
    const { observations, reached, rewards, terminated, truncated } = await world.step(actions);
    for (const array of [observations, reached, rewards, terminated, truncated, world.points]) given.push(...array);
  }
  return given;
}

describe('an environment of MuJoCo', () => {
  it.each(Object.keys(worlds) as WorldName[])(
    'gives the same bits of %s with any number of threads, and again in the same ones',
    async (name) => {
      const one = await opened(name, { copies: 5, workers: 1, limit: 12 });
      const three = await opened(name, { copies: 5, workers: 3, limit: 12 });
      const expected = await played(one, 7);
      expect(await played(three, 7)).toEqual(expected);
      expect(await played(one, 8)).not.toEqual(expected);
      expect(await played(one, 7)).toEqual(expected);
    },
  );

  it('cuts episodes off at their limit and starts anew', async () => {
    const world = await opened('cartPoleSwingUp', { copies: 2, workers: 1, limit: 3 });
    const first = [...(await world.reset({ seed: 0, iteration: 0 }))];
    const cuts = [];
    for (let step = 0; step < 4; step++) {
      const { truncated, observations, reached } = await world.step(new Float32Array(2).fill(1));
      cuts.push([...truncated]);
      expect(truncated[0] === 1).toBe(reached[1] !== observations[1]);
      if (step === 2) expect([...observations]).not.toEqual(first);
    }
    expect(cuts).toEqual([
      [0, 0],
      [0, 0],
      [1, 1],
      [0, 0],
    ]);
  });

  it('says what fails in a thread, once and for good', async () => {
    const world = await opened('reacher', { copies: 2, workers: 2 });
    await expect(world.reset({ seed: 0, iteration: 0, physics: { lowerMass: -1 } })).rejects.toThrow(
      /^mujoco reacher: a thread failed: /,
    );
    await expect(world.step(new Float32Array(4))).rejects.toThrow('a thread failed');
  });

  it('says which step lost its numbers', async () => {
    const world = await opened('reacher', { copies: 2, workers: 1 });
    await world.reset({ seed: 0, iteration: 0 });
    await expect(world.step(Float32Array.of(0, 0, Number.NaN, 0))).rejects.toThrow(
      /^mujoco reacher: a thread failed: step 0 of copy 1: expected finite numbers, got reward NaN, observation 0\.99/,
    );
  });

  it('takes physics, actions and sizes that fit', async () => {
    const world = await opened('reacher', { copies: 2, workers: 1 });
    await expect(world.reset({ seed: 0, iteration: 0, physics: { mass: 1 } as never })).rejects.toThrow(
      'reacher: expected a physics parameter (gravity, upperLength,',
    );
    await expect(world.step(new Float32Array(3))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: reacher: expected actions in Float32Array(4), got Float32Array(3)]`,
    );
    await expect(mujocoEnvironment('walker' as never, { copies: 1 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: mujoco: expected a world (cartPoleSwingUp, hopper, reacher), got "walker"]`,
    );
    await expect(mujocoEnvironment('reacher', { copies: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: mujoco reacher: expected a positive whole number of copies, got 0]`,
    );
    await world.close();
    await expect(world.step(new Float32Array(4))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: mujoco reacher: expected an open environment, got one that is closed]`,
    );
  });
});
