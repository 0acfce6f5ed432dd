import { describe, expect, it } from 'vitest';

import { compileFunction } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { ndarray, reshape, split, stack, type Tensor, vmap } from '../tensor/index.ts';
import { physicsOf } from './environment.ts';
import { cartPole } from './environments/index.ts';
import { checkActions, type HostEnvironment, physicsRows } from './host.ts';
import { hostCartPole } from './hostCartPole.suite.ts';

/** Pushes that differ by copy and step, so that poles fall at different times. */
const pushes = (step: number, copies: number) =>
  Int32Array.from({ length: copies }, (_, copy) => (Math.sin(step * 7.3 + copy) > 0.3 ? 1 : 0));

/** All that the environment shows in 40 steps from a reset. */
async function played(host: HostEnvironment, iteration: number): Promise<number[]> {
  const seen = [...(await host.reset({ seed: 5, iteration }))];
  for (let step = 0; step < 40; step++) seen.push(...(await host.step(pushes(step, host.copies))).observations);
  return seen;
}

describe('a host environment', () => {
  it('plays what the tensor program plays', async () => {
    const world = cartPole();
    const [copies, lengths] = [2, [0.3, 0.9]];
    const engine = ortEngine({ threads: 1, spinning: false });
    const program = await compileFunction(
      engine,
      vmap((state: Tensor, action: Tensor, halfLength: Tensor) => {
        const [position, velocity, angle, spin] = split(state, [1, 1, 1, 1]).map((t) => reshape(t, [])) as [
          Tensor,
          Tensor,
          Tensor,
          Tensor,
        ];
        const physics = { ...physicsOf(world), halfLength };
        const { state: next, terminated } = world.step({ position, velocity, angle, spin }, action, physics);
        return { reached: stack([next.position, next.velocity, next.angle, next.spin]), terminated };
      }),
      { dtype: 'float32', shape: [copies, 4] },
      { dtype: 'int32', shape: [copies] },
      { dtype: 'float32', shape: [copies] },
    );
    const host = hostCartPole(copies);
    let shown = (await host.reset({ seed: 1, iteration: 2, physics: { halfLength: lengths } })).slice();
    let falls = 0;
    for (let step = 0; step < 60; step++) {
      const actions = pushes(step, copies);
      const expected = await program(
        ndarray(shown, [copies, 4]),
        ndarray(actions, [copies], 'int32'),
        ndarray(lengths, [copies]),
      );
      const { observations, reached, terminated, rewards } = await host.step(actions);
      for (const [i, value] of expected.reached.data.entries()) expect(reached[i]).toBeCloseTo(Number(value), 5);
      expect([...terminated]).toEqual([...expected.terminated.data].map(Number));
      expect([...rewards]).toEqual([1, 1]);
      for (const [copy, fell] of terminated.entries()) {
        falls += fell;
        const angle = Math.abs(observations[4 * copy + 2] as number);
        if (fell) expect(angle).toBeLessThanOrEqual(0.05);
      }
      shown = observations.slice();
    }
    expect(falls).toBeGreaterThan(1);
    await program.dispose();
    await engine.dispose();
  });

  it('begins an iteration alike, whatever was played before it', async () => {
    const host = hostCartPole(3);
    const second = await played(host, 2);
    expect(await played(host, 1)).not.toEqual(second);
    expect(await played(host, 2)).toEqual(second);
    expect(await played(hostCartPole(3), 2)).toEqual(second);
  });

  it('cuts an episode off at its limit, which is no end', async () => {
    const host = hostCartPole(1, 3);
    await host.reset({ seed: 0, iteration: 0 });
    const flags = [];
    for (let step = 0; step < 6; step++) {
      const { truncated, terminated, reached, observations } = await host.step(Int32Array.of(step % 2));
      flags.push([truncated[0], terminated[0], reached[0] === observations[0]]);
    }
    const on = [0, 0, true];
    expect(flags).toEqual([on, on, [1, 0, false], on, on, [1, 0, false]]);
  });
});

describe('physics of a batch', () => {
  const world = cartPole();

  it('is one number for all copies, one for each, or the default', () => {
    const { gravity, poleMass, force } = physicsRows(world, 2, { gravity: 5, poleMass: [0.1, 0.3] });
    expect([...gravity, ...poleMass, ...force]).toEqual([5, 5, 0.1, 0.3, 10, 10]);
  });

  it('is held to the names of the environment and the number of copies', () => {
    expect(() => physicsRows(world, 2, { mass: 1 } as never)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: cartPole: expected a physics parameter (gravity, cartMass, poleMass, halfLength, force), got "mass"]`,
    );
    expect(() => physicsRows(world, 2, { gravity: [1] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: cartPole: expected 2 values of gravity, got 1]`,
    );
    expect(() => physicsRows(world, 2, { gravity: [1, Number.NaN] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: cartPole: expected a number for gravity, got NaN]`,
    );
  });
});

describe('actions of a batch', () => {
  it('are held to the kind and size that the environment takes', () => {
    const arm = {
      name: 'arm',
      spec: { ...cartPole().spec, action: { kind: 'continuous', size: 2, low: -1, high: 1 } },
    } as const;
    checkActions(arm, 3, new Float32Array(6));
    expect(() => checkActions(arm, 3, new Int32Array(6))).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: arm: expected actions in Float32Array(6), got Int32Array(6)]`,
    );
    expect(() => checkActions(cartPole(), 3, new Int32Array(2))).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: cartPole: expected actions in Int32Array(3), got Int32Array(2)]`,
    );
  });
});
