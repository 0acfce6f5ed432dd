import type { Environment } from 'hyperloom/rl';
import { acrobot } from './acrobot.ts';
import { cartPole, cartPoleSwingUp } from './carts.ts';
import { gridNavigation } from './gridNavigation.ts';
import { hopper } from './hopper.ts';
import { continuousMountainCar, mountainCar } from './mountainCars.ts';
import { pendulum } from './pendulum.ts';
import { reacher } from './reacher.ts';
import { type Drawing, type Moment, sceneSvg } from './scene.ts';

export type { Drawing, Moment, Scene } from './scene.ts';

/** How each world is drawn, by its name. A new one is one file and its line here. */
export const drawings: Readonly<Record<string, Drawing>> = {
  acrobot,
  cartPole,
  cartPoleSwingUp,
  continuousMountainCar,
  gridNavigation,
  hopper,
  mountainCar,
  pendulum,
  reacher,
};

/**
 * An episode as pictures, one SVG for each moment; `physics` are numbers, as of `physicsNumbers`.
 * @throws Error for a world that has no drawing
 */
export function episodePictures(
  { name, spec }: Pick<Environment, 'name' | 'spec'>,
  physics: Readonly<Record<string, number>>,
  moments: readonly Moment[],
): string[] {
  const drawing = drawings[name];
  if (drawing === undefined)
    throw new Error(`pictures: expected a world of ${Object.keys(drawings).join(', ')}, got ${name}`);
  return moments.map((moment, i) => sceneSvg(drawing(moment, { spec, physics, before: moments.slice(0, i) })));
}
