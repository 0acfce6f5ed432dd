import { cartPoleSwingUp } from './cartPoleSwingUp.ts';
import { hopper } from './hopper.ts';
import { reacher } from './reacher.ts';

/** Every world, by its name. */
export const worlds = { cartPoleSwingUp, hopper, reacher };
export type WorldName = keyof typeof worlds;
/** What physics of a world is made of. */
export type WorldPhysics<W extends WorldName> = keyof (typeof worlds)[W]['spec']['physics'] & string;
