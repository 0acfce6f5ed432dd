import * as rl from 'hyperloom/rl';
import { describe, expect, test } from 'vitest';
import { worlds } from '../../mujoco/worlds/index.ts';
import { drawings, episodePictures, type Moment } from './index.ts';
import { colours, sceneSize } from './scene.ts';

type World = Pick<rl.Environment, 'name' | 'spec'>;

/** The last picture of an episode. */
const draw = (world: unknown, moments: readonly Moment[], values = {}) =>
  episodePictures(world as World, rl.physicsNumbers(world as World, values), moments).at(-1) as string;

/** The lines of a colour, each as its points. */
const lines = (svg: string, colour: string) =>
  [...svg.matchAll(/<polyline points="([^"]+)" fill="none" stroke="([^"]+)"/g)]
    .filter(([, , stroke]) => stroke === colour)
    .map(([, points]) => (points as string).split(' ').map((point) => point.split(',').map(Number)));

/** From the first to the last point of the first line of a colour. */
function span(svg: string, colour: string): [dx: number, dy: number] {
  const points = lines(svg, colour)[0] as number[][];
  const [from, to] = [points[0], points.at(-1)] as [number[], number[]];
  return [to[0]! - from[0]!, to[1]! - from[1]!];
}

const hasForce = (svg: string) => lines(svg, colours.force).length > 0;

/** x and z of the points of a hopper that stands, and of an arm that is stretched out and one that is bent up. */
const standing = [0, 1.45, 0, 1.05, 0, 0.6, 0, 0.1, -0.13, 0.1, 0.26, 0.1];
const [stretched, bent] = [
  [0, 0, 0.1, 0, 0.21, 0, 0, -0.15],
  [0, 0, 0.1, 0, 0.1, 0.11, 0, -0.15],
];

test('every environment of tensors and of MuJoCo has a drawing, within its picture', () => {
  const makers = [
    rl.acrobot,
    rl.cartPole,
    rl.cartPoleSwingUp,
    rl.continuousMountainCar,
    rl.gridNavigation,
    rl.mountainCar,
    rl.pendulum,
  ];
  const all = [...makers.map((make) => make()), ...Object.values(worlds)];
  expect([...new Set(all.map(({ name }) => name))].sort()).toEqual(Object.keys(drawings));
  for (const world of all) {
    const points = world.name === 'hopper' ? standing : stretched;
    const svg = draw(world, [{ seen: world.spec.observation.map(() => 0), points }]);
    expect(svg).toMatch(/^<svg .*<\/svg>$/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(hasForce(svg), world.name).toBe(false);
    const drawn = Object.values(colours).flatMap((colour) => lines(svg, colour).flat());
    for (const [x, y] of drawn) {
      expect(x! >= -1 && x! <= sceneSize.width + 1, world.name).toBe(true);
      expect(y! >= 0 && y! <= sceneSize.height, world.name).toBe(true);
    }
  }
});

test('a world without a drawing is named', () => {
  const world = { ...rl.pendulum(), name: 'walker' };
  expect(() => draw(world, [{ seen: [1, 0, 0] }])).toThrowErrorMatchingInlineSnapshot(
    `[Error: pictures: expected a world of acrobot, cartPole, cartPoleSwingUp, continuousMountainCar, gridNavigation, hopper, mountainCar, pendulum, reacher, got walker]`,
  );
});

describe('shapes follow what is seen', () => {
  test('cart-pole: upright at 0, clockwise above, and pushed to the side of the action', () => {
    const world = rl.cartPole();
    const [dx, dy] = span(draw(world, [{ seen: [0, 0, 0, 0] }]), colours.limb);
    expect([dx, dy < 0]).toEqual([0, true]);
    const leaning = draw(world, [{ seen: [1, 0, 0.2, 0], action: [0] }]);
    expect(span(leaning, colours.limb)[0]).toBeCloseTo(-dy * Math.sin(0.2), 1);
    expect(span(leaning, colours.force)[0]).toBeLessThan(0);
    expect(span(draw(world, [{ seen: [0, 0, 0, 0], action: [1] }]), colours.force)[0]).toBeGreaterThan(0);
    // One metre to the right, in the scale of the pole's metre.
    const at = (svg: string) => lines(svg, colours.limb)[0]?.[0]?.[0] as number;
    expect(at(leaning) - at(draw(world, [{ seen: [0, 0, 0, 0] }]))).toBeCloseTo(-dy, 1);
    const longer = draw(world, [{ seen: [0, 0, 0, 0] }], { halfLength: 0.75 });
    expect(span(longer, colours.limb)[1]).toBeCloseTo(1.5 * dy, 1);
  });

  test('swing-up: hanging down at pi, with an arrow as long as the force', () => {
    const world = rl.cartPoleSwingUp();
    const hanging = draw(world, [{ seen: [0, 0, -1, 0, 0], action: [0.5] }]);
    expect(span(hanging, colours.limb)[1]).toBeGreaterThan(30);
    const [half] = span(hanging, colours.force);
    const [full] = span(draw(world, [{ seen: [0, 0, -1, 0, 0], action: [7] }]), colours.force);
    expect(full).toBeCloseTo(2 * half, 1);
  });

  test("swing-up of MuJoCo: the pole is as long as the parameter says, and leans as the tensors' does", () => {
    const seen = [0.5, 0, Math.cos(0.4), Math.sin(0.4), 0];
    const long = draw(worlds.cartPoleSwingUp, [{ seen }], { poleLength: 2 });
    const same = draw(rl.cartPoleSwingUp(), [{ seen }], { halfLength: 1 });
    expect(span(long, colours.limb)).toEqual(span(same, colours.limb));
  });

  test('hopper: it stays in the middle while the marks on the ground pass by, and torques bend its joints', () => {
    const world = worlds.hopper;
    const still = draw(world, [{ seen: [], points: standing }]);
    expect(span(still, colours.limb)[0]).toBe(0);
    expect(span(still, colours.limb)[1]).toBeCloseTo(0.45 * 88, 1);
    const moved = draw(world, [{ seen: [], points: standing.map((v, i) => (i % 2 === 0 ? v + 0.2 : v)) }]);
    expect(lines(moved, colours.limb)).toEqual(lines(still, colours.limb));
    const mark = (svg: string) => lines(svg, colours.faint)[2]?.[0]?.[0] as number;
    expect(mark(still) - mark(moved)).toBeCloseTo(0.2 * 88, 1);
    const pushed = draw(world, [{ seen: [], points: standing, action: [0, 0.5, -1] }]);
    const bows = lines(pushed, colours.force).filter((_, i) => i % 2 === 0);
    expect(bows.map((bow) => Math.sign(bow[4]![0]! - bow[0]![0]!))).toEqual([-1, 1]);
  });

  test('reacher: links as long as they are and as wide as they are heavy, and the target', () => {
    const world = worlds.reacher;
    const svg = draw(world, [{ seen: [], points: bent, action: [0, 1] }], { lowerMass: 4 });
    expect(span(svg, colours.body)).toEqual([25, 0]);
    expect(span(svg, colours.limb)).toEqual([0, -27.5]);
    const width = (colour: string) => Number(new RegExp(`stroke="${colour}" stroke-width="([\\d.]+)"`).exec(svg)?.[1]);
    expect(width(colours.limb)).toBeCloseTo(2 * width(colours.body), 5);
    expect(svg).toContain(`<circle cx="120" cy="127.5" r="7" fill="${colours.goal}"`);
    // One bow, around the elbow, counter-clockwise.
    expect(lines(svg, colours.force)).toHaveLength(2);
    const [from, to] = [lines(svg, colours.force)[0]![0]!, lines(svg, colours.force)[0]!.at(-1)!];
    expect([from[0], to[0]! < from[0]!]).toEqual([145, true]);
    expect(() => draw(world, [{ seen: [] }])).toThrow('expected the points of a body, got a moment without any');
  });

  test('pendulum: upright at 0, to the left at a quarter, and a bow to the side of the torque', () => {
    const world = rl.pendulum();
    const upright = span(draw(world, [{ seen: [1, 0, 0] }]), colours.limb);
    expect(upright[0]).toBe(0);
    expect(upright[1]).toBeLessThan(-30);
    const [dx, dy] = span(draw(world, [{ seen: [0, 1, 0], action: [0.4] }]), colours.limb);
    expect([dx, dy]).toEqual([upright[1], 0]);
    const bow = (share: number) => span(draw(world, [{ seen: [1, 0, 0], action: [share] }]), colours.force)[0];
    expect(bow(0.4)).toBeLessThan(0);
    expect(bow(-0.4)).toBeCloseTo(-bow(0.4), 5);
  });

  test('acrobot: both links down at 0; straight up the tip is above the line', () => {
    const world = rl.acrobot();
    const down = draw(world, [{ seen: [1, 0, 1, 0, 0, 0] }]);
    expect(span(down, colours.body)).toEqual([0, 40]);
    expect(span(down, colours.limb)).toEqual([0, 40]);
    const up = draw(world, [{ seen: [-1, 0, 1, 0, 0, 0], action: [2] }]);
    const tip = lines(up, colours.limb)[0]?.at(-1) as number[];
    const height = lines(up, colours.goal)[0]?.[0]?.[1] as number;
    expect(tip[1]).toBeLessThan(height);
    expect(lines(down, colours.limb)[0]?.at(-1)?.[1]).toBeGreaterThan(height);
    // The second link bends from the direction of the first, counter-clockwise.
    expect(span(draw(world, [{ seen: [1, 0, 0, 1, 0, 0] }]), colours.limb)).toEqual([40, 0]);
  });

  test('mountain cars: lowest where the valley is, and level there', () => {
    const world = rl.mountainCar();
    const car = (seen: readonly number[], action?: readonly number[]) => {
      const svg = draw(world, [action ? { seen, action } : { seen }]);
      const [, x, y] = /<circle cx="([\d.]+)" cy="([\d.]+)"/.exec(svg) as RegExpExecArray;
      return { svg, x: Number(x), y: Number(y) };
    };
    const bottom = car([-Math.PI / 6, 0]);
    expect(car([-1, 0]).y).toBeLessThan(bottom.y);
    expect(car([0.5, 0]).y).toBeLessThan(bottom.y);
    expect(car([0.5, 0]).x).toBeGreaterThan(bottom.x);
    const pushed = car([-Math.PI / 6, 0], [0]);
    expect(span(pushed.svg, colours.force)).toEqual([-22, 0]);
    expect(hasForce(car([-0.5, 0], [1]).svg)).toBe(false);
    const continuous = draw(rl.continuousMountainCar(), [{ seen: [-Math.PI / 6, 0], action: [0.5] }]);
    expect(span(continuous, colours.force)).toEqual([11, 0]);
  });

  test('grid: the way so far, up and to the right, and the goal where it is', () => {
    const world = rl.gridNavigation();
    const way = [
      [0, 0],
      [0, 1],
      [1, 1],
    ].map((seen) => ({ seen }));
    const svg = draw(world, way, { goalX: 0, goalY: 4 });
    const [from, ...rest] = lines(svg, colours.limb)[0] as [number[], ...number[][]];
    expect(rest.map(([x, y]) => [x! - from[0]!, y! - from[1]!])).toEqual([
      [0, -32],
      [32, -32],
    ]);
    const goal = new RegExp(`<rect x="([\\d.]+)" y="([\\d.]+)" width="32" height="32" fill="${colours.goal}"`).exec(
      svg,
    );
    expect([Number(goal?.[1]), Number(goal?.[2])]).toEqual([from[0]! - 16, from[1]! - 4 * 32 - 16]);
    expect(lines(draw(rl.gridNavigation({ size: 8 }), way), colours.limb)[0]?.[1]?.[1]).toBe(180 - 10 - 30);
  });
});
