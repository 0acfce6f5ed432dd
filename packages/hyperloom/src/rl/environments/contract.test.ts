import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import { mul, type NdArray, ndarray, random, scan, type Tensor, trace, tree, vmap } from '../../tensor/index.ts';
import { type Environment, physicsNumbers } from '../environment.ts';
import * as environments from './index.ts';

type State = Readonly<Record<string, Tensor>>;
type World = Environment<string, State>;
type Numbers = Readonly<Record<string, number>>;

/** Every environment of the index, and forms of those that have options. */
const worlds: readonly (readonly [string, World])[] = [
  ...Object.values(environments).map((make) => make() as unknown as World),
  environments.gridNavigation({ size: 7, limit: 30 }) as unknown as World,
].map((world) => [`${world.name} (limit ${world.spec.limit})`, world]);

/** Actions drawn uniformly, some of the continuous ones beyond their range: [steps, ...]. */
function actions({ spec: { action } }: World, key: Tensor, steps: number): Tensor {
  if (action.kind === 'discrete') return random.categorical(key, mul(random.uniform(key, [steps, action.count]), 0));
  return random.uniform(key, [steps, action.size], { low: 1.2 * action.low, high: 1.2 * action.high });
}

/** What one copy does from its reset on, with random actions: all steps, and what is seen before the first. */
function rollout(world: World, steps: number) {
  return (key: Tensor, physics: State) => {
    const start = world.reset(random.foldIn(key, 0), physics);
    const step = (state: State, action: Tensor) => {
      const next = world.step(state, action, physics);
      return [next.state, { ...next, seen: world.observe(next.state, physics) }] as const;
    };
    const [, all] = scan(step, start, actions(world, random.foldIn(key, 1), steps));
    return { start, seen: world.observe(start, physics), all };
  };
}

interface Rollout {
  readonly start: Readonly<Record<string, NdArray>>;
  readonly seen: NdArray;
  readonly all: {
    readonly state: Readonly<Record<string, NdArray>>;
    readonly reward: NdArray;
    readonly terminated: NdArray;
    readonly seen: NdArray;
  };
}

function run(f: (...args: never[]) => unknown, ...args: readonly unknown[]): Rollout {
  const { program, output } = trace(f, ...args);
  const values = evaluate(
    program,
    args.flatMap((arg) => tree.leaves<NdArray>(arg)),
  );
  return tree.unflatten(output as unknown, values) as unknown as Rollout;
}

const scalars = (values: Numbers, copies?: number) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      copies ? ndarray(new Float32Array(copies).fill(value), [copies]) : ndarray(Float32Array.of(value), []),
    ]),
  );

const keys = (copies: number) =>
  ndarray(
    Uint32Array.from({ length: 2 * copies }, (_, i) => (i % 2 ? 100 + i : 0)),
    [copies, 2],
  );

/** Many copies by vmap. */
const many = (world: World, copies: number, steps: number, values: Numbers = physicsNumbers(world)) =>
  run(
    (all: Tensor, physics: State) => vmap(rollout(world, steps))(all, physics),
    keys(copies),
    scalars(values, copies),
  );

describe.each(worlds)('%s', (_, world) => {
  const { spec } = world;
  const [copies, steps] = [6, 40];

  test('says what it is', () => {
    expect(new Set(spec.observation).size).toBe(spec.observation.length);
    expect(Number.isInteger(spec.limit) && spec.limit > 0).toBe(true);
    for (const { default: own, low, high, unit, meaning, whole } of Object.values(spec.physics)) {
      expect(low).toBeLessThan(high);
      expect(own >= low && own <= high).toBe(true);
      expect([low, own, high].every(Number.isInteger) || !whole).toBe(true);
      expect(unit).not.toBe('');
      expect(meaning).not.toBe('');
    }
    expect(spec.possible?.(physicsNumbers(world)) ?? true).toBe(true);
  });

  test('has the shapes and types of its spec, one copy or many', () => {
    const { start, seen, all } = many(world, copies, steps);
    const size = spec.observation.length;
    for (const value of Object.values(start)) expect(value).toMatchObject({ dtype: 'float32', shape: [copies] });
    for (const value of Object.values(all.state))
      expect(value).toMatchObject({ dtype: 'float32', shape: [copies, steps] });
    expect(seen).toMatchObject({ dtype: 'float32', shape: [copies, size] });
    expect(all.seen).toMatchObject({ dtype: 'float32', shape: [copies, steps, size] });
    expect(all.reward).toMatchObject({ dtype: 'float32', shape: [copies, steps] });
    expect(all.terminated).toMatchObject({ dtype: 'bool', shape: [copies, steps] });
    const leaves = tree.leaves<NdArray>({ start, seen, all } as unknown as tree.Tree<NdArray>);
    expect(leaves.every(({ data }) => data.every(Number.isFinite))).toBe(true);
    // What moves is seen.
    expect(new Set(all.seen.data).size).toBeGreaterThan(size);
  });

  test('a copy goes its way, whether alone or among others, and again the same', () => {
    const together = many(world, copies, steps);
    expect(many(world, copies, steps)).toEqual(together);
    for (const copy of [0, copies - 1]) {
      const own = ndarray(keys(copies).data.slice(2 * copy, 2 * copy + 2) as Uint32Array, [2]);
      const alone = run(rollout(world, steps) as never, own, scalars(physicsNumbers(world)));
      const row = ({ data, shape: [rows = 1] }: NdArray) => {
        const length = data.length / rows;
        return [...data.slice(copy * length, (copy + 1) * length)];
      };
      expect([...alone.all.seen.data]).toEqual(row(together.all.seen));
      expect([...alone.all.reward.data]).toEqual(row(together.all.reward));
      expect([...alone.all.terminated.data]).toEqual(row(together.all.terminated));
    }
  });

  test.each(Object.keys(spec.physics))('%s makes a difference', (name) => {
    const { low, high } = spec.physics[name] as { low: number; high: number };
    const at = (value: number) => many(world, 24, 80, { ...physicsNumbers(world), [name]: value }).all;
    expect(at(low)).not.toEqual(at(high));
  });
});

test('random actions bring cart-poles to their end, and end is where the state says', () => {
  const { all } = many(environments.cartPole() as unknown as World, 24, 80);
  const { position, angle } = all.state as Record<'position' | 'angle', NdArray>;
  all.terminated.data.forEach((ended, i) => {
    const out = Math.abs(position.data[i] as number) > 2.4 || Math.abs(angle.data[i] as number) > Math.PI / 15;
    expect(Boolean(ended)).toBe(out);
  });
  expect(all.terminated.data.filter(Boolean).length).toBeGreaterThan(100);
});
