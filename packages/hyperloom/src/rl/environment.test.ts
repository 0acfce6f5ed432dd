import { describe, expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { type NdArray, ndarray, type Tensor, vmap } from '../tensor/index.ts';
import { drawPhysics, familyOf, physicsChoices, physicsCode, physicsNumbers, physicsOf } from './environment.ts';
import { cartPole, gridNavigation } from './environments/index.ts';

const cart = cartPole();
const grid = gridNavigation();

const keys = (count: number) =>
  ndarray(
    Uint32Array.from({ length: 2 * count }, (_, i) => i),
    [count, 2],
  );

async function drawn(f: (key: Tensor) => Readonly<Record<string, Tensor>>, count: number) {
  const physics = await runOnce(referenceEngine(), (all: Tensor) => vmap(f)(all), keys(count) as never);
  return Object.fromEntries(
    Object.entries(physics as unknown as Record<string, NdArray>).map(([name, { data }]) => [name, [...data]]),
  );
}

describe('drawing', () => {
  test('varies what is named, each in its range, and leaves the rest', async () => {
    const all = await drawn((key) => drawPhysics(cart, key, { poleMass: [0.2, 0.3], force: [5, 15] }), 400);
    expect(new Set(all.gravity)).toEqual(new Set([Math.fround(9.8)]));
    expect(new Set(all.halfLength)).toEqual(new Set([0.5]));
    expect(Math.min(...(all.poleMass ?? []))).toBeGreaterThanOrEqual(Math.fround(0.2));
    expect(Math.max(...(all.poleMass ?? []))).toBeLessThanOrEqual(Math.fround(0.3));
    const force = all.force ?? [];
    expect(force.reduce((a, b) => a + b) / force.length).toBeCloseTo(10, 0);
    expect(Math.max(...force) - Math.min(...force)).toBeGreaterThan(9.5);
  });

  test('takes every possible goal alike, and no other', async () => {
    const count = 4200;
    const { goalX = [], goalY = [] } = await drawn((key) => drawPhysics(grid, key, ['goalX', 'goalY']), count);
    const times = new Map<string, number>();
    goalX.forEach((x, i) => {
      const goal = `${x},${goalY[i]}`;
      times.set(goal, (times.get(goal) ?? 0) + 1);
    });
    const possible = physicsChoices(grid, ['goalX', 'goalY']).map((goal) => `${goal.goalX},${goal.goalY}`);
    expect(possible).toHaveLength(21);
    expect([...times.keys()].sort()).toEqual(possible.sort());
    // 200 of each, give or take four deviations of 14.
    expect(Math.min(...times.values())).toBeGreaterThan(144);
    expect(Math.max(...times.values())).toBeLessThan(256);
  });

  test('keeps to the ranges of the family', async () => {
    const goals = physicsChoices(grid, { goalX: [0, 2], goalY: [1, 1] });
    expect(goals).toEqual([{ goalX: 2, goalY: 1 }]);
    const { goalX, goalY } = await drawn((key) => drawPhysics(grid, key, { goalX: [0, 2], goalY: [1, 1] }), 5);
    expect([goalX, goalY]).toEqual([
      [2, 2, 2, 2, 2],
      [1, 1, 1, 1, 1],
    ]);
    expect(physicsChoices(cart, ['force'])).toEqual([{}]);
  });
});

test('a code goes from -1 to 1 over the range of each parameter, and beyond outside of it', async () => {
  const family = { poleMass: [0.1, 0.3], force: [10, 20] } as const;
  const code = await runOnce(referenceEngine(), () =>
    physicsCode(cart, family, physicsOf(cart, { poleMass: 0.3, force: 5 })),
  );
  expect([...code.data].map((x) => Math.round(x * 1e5) / 1e5)).toEqual([1, -2]);
});

test('errors say what was expected and what came', () => {
  const message = (f: () => unknown) => {
    try {
      f();
    } catch (error) {
      return (error as Error).message;
    }
    return 'no error';
  };
  expect(
    [
      () => familyOf(cart, ['weight' as 'force']),
      () => familyOf(cart, { force: [3, 1] }),
      () => physicsNumbers(cart, { weight: 1 } as never),
      () => physicsNumbers(cart, { force: Number.NaN }),
      () => physicsNumbers(grid, { goalX: 2.5 }),
      () => physicsNumbers(grid, { goalX: 1, goalY: 0 }),
      () => physicsChoices(grid, { goalX: [0, 1], goalY: [0, 1] }),
      () => gridNavigation({ size: 2 }),
      () => gridNavigation({ limit: 0 }),
    ].map(message),
  ).toMatchInlineSnapshot(`
    [
      "cartPole: expected a physics parameter (gravity, cartMass, poleMass, halfLength, force), got "weight"",
      "cartPole: expected a range [low, high] of force, got [3, 1]",
      "cartPole: expected a physics parameter (gravity, cartMass, poleMass, halfLength, force), got "weight"",
      "cartPole: expected a number for force, got NaN",
      "gridNavigation: expected a whole number for goalX, got 2.5",
      "gridNavigation: expected physics that is possible, got {"goalX":1,"goalY":0}",
      "gridNavigation: expected ranges with physics that is possible, got none",
      "gridNavigation: expected a whole size of at least 3, got 2",
      "gridNavigation: expected a whole limit of at least 1, got 0",
    ]
  `);
});
