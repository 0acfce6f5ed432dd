import {
  ArgumentError,
  add,
  and,
  cast,
  clip,
  constant,
  equal,
  stack,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import type { Environment, PhysicsParameter } from '../environment.ts';

/** What physics of {@link gridNavigation} is made of. */
export type GridNavigationPhysics = 'goalX' | 'goalY';

/** The cell in which one is: whole numbers, from the left and from below. */
export interface GridNavigationState {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Settings of {@link gridNavigation}. */
export interface GridNavigationOptions {
  /** Cells along each side, of at least 3; 5 if absent. */
  readonly size?: number;
  /** Steps of an episode; 15 if absent. */
  readonly limit?: number;
}

/**
 * A grid with a goal that cannot be seen, and is found by going there: VariBAD's GridNavi (Zintgraf et al. 2020, section
 * 5.1). One starts in the corner (0, 0) and stays (action 0) or goes up (1), down (2), left (3) or right (4); a wall
 * keeps one where one is. A step that ends on the goal gives 1, any other -0.1; no episode ends before its limit. The
 * goal is physics, so that it stays while episodes go by; it is never the start nor one of the three cells around it.
 * @throws ArgumentError unless size is a whole number of at least 3 and limit one of at least 1
 * @example
 * const world = rl.gridNavigation();
 * const goal = rl.drawPhysics(world, random.key(0), ['goalX', 'goalY']);
 * const { reward } = world.step(world.reset(random.key(1), goal), constant(4, 'int32'), goal); // -0.1
 */
export function gridNavigation({
  size = 5,
  limit = 15,
}: GridNavigationOptions = {}): Environment<GridNavigationPhysics, GridNavigationState> {
  if (!Number.isInteger(size) || size < 3)
    throw new ArgumentError(`gridNavigation: expected a whole size of at least 3, got ${size}`);
  if (!Number.isInteger(limit) || limit < 1)
    throw new ArgumentError(`gridNavigation: expected a whole limit of at least 1, got ${limit}`);
  const last = size - 1;
  const goal = (meaning: string): PhysicsParameter => ({
    default: last,
    low: 0,
    high: last,
    unit: 'cells',
    meaning,
    whole: true,
  });
  return {
    name: 'gridNavigation',
    spec: {
      observation: ['x', 'y'],
      action: { kind: 'discrete', count: 5 },
      physics: { goalX: goal('column of the goal, from the left'), goalY: goal('row of the goal, from below') },
      possible: ({ goalX, goalY }) => goalX > 1 || goalY > 1,
      limit,
    },
    reset: () => ({ x: constant(0), y: constant(0) }),
    step: ({ x, y }, action, { goalX, goalY }) => {
      const went = (there: number, back: number) =>
        sub(cast(equal(action, there), x.dtype), cast(equal(action, back), x.dtype));
      const state = { x: clip(add(x, went(4, 3)), 0, last), y: clip(add(y, went(1, 2)), 0, last) };
      const found = and(equal(state.x, goalX), equal(state.y, goalY));
      return { state, reward: where(found, 1, -0.1), terminated: constant(0, 'bool') };
    },
    observe: ({ x, y }) => stack([x, y]),
  };
}
