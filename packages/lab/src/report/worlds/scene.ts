import type { EnvironmentSpec } from 'hyperloom/rl';

/** A moment of an episode, as numbers. */
export interface Moment {
  /** What is seen of the world, in the order of its spec. */
  readonly seen: ArrayLike<number>;
  /** What is done next: the number of an action, or shares of the greatest; absent after the last step. */
  readonly action?: ArrayLike<number>;
  /** Where the points of its body are, x and z of each in metres: of worlds that are drawn through points. */
  readonly points?: ArrayLike<number>;
}

/** What stays for the whole episode, and what has been. */
export interface Scene {
  readonly spec: EnvironmentSpec;
  readonly physics: Readonly<Record<string, number>>;
  /** The moments before, from the first on. */
  readonly before: readonly Moment[];
}

/** A world at a moment as SVG shapes, within {@link sceneSize}. */
export type Drawing = (moment: Moment, scene: Scene) => string;

/** Width and height of a scene: the units of its shapes. */
export const sceneSize = { width: 240, height: 180 } as const;

/** Colours on the light ground of a scene, which is the same on every page. */
export const colours = {
  ground: '#f8fafc',
  ink: '#1b1f24',
  faint: '#cbd5e1',
  body: '#334155',
  limb: '#f59e0b',
  force: '#3b82f6',
  goal: '#10b981',
} as const;

/** A place: to the right, and down. */
export type Point = readonly [x: number, y: number];

/** Two decimals: a tenth of a pixel is not seen, and files stay small. */
const short = (value: number): string => String(Math.round(value * 100) / 100);

/** A point of a moment in metres: to the right, and up. */
export function pointOf({ points }: Moment, index: number): Point {
  if (points === undefined) throw new Error('pictures: expected the points of a body, got a moment without any');
  return [points[2 * index] as number, points[2 * index + 1] as number];
}

/** Worlds take no more than the greatest force. */
export const clipped = (share: number): number => Math.max(-1, Math.min(1, share));

export const line = (points: readonly Point[], stroke: string, width: number): string =>
  `<polyline points="${points.map((point) => point.map(short).join(',')).join(' ')}" fill="none" stroke="${stroke}" stroke-width="${short(width)}" stroke-linecap="round" stroke-linejoin="round"/>`;

export const circle = ([x, y]: Point, radius: number, fill: string): string =>
  `<circle cx="${short(x)}" cy="${short(y)}" r="${short(radius)}" fill="${fill}"/>`;

/** A rectangle by its middle, turned clockwise by an angle in degrees about it. */
export const box = ([x, y]: Point, width: number, height: number, fill: string, turned = 0): string =>
  `<rect x="${short(x - width / 2)}" y="${short(y - height / 2)}" width="${short(width)}" height="${short(height)}" fill="${fill}"${turned === 0 ? '' : ` transform="rotate(${short(turned)} ${short(x)} ${short(y)})"`}/>`;

/** An arrow, or nothing where it has no length. */
export function arrow(from: Point, to: Point): string {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (length < 1) return '';
  const head = Math.min(6, length);
  const [ux, uy] = [(dx / length) * head, (dy / length) * head];
  const barb = (side: number): Point => [to[0] - ux - side * uy * 0.6, to[1] - uy + side * ux * 0.6];
  return line([from, to], colours.force, 2.5) + line([barb(1), to, barb(-1)], colours.force, 2.5);
}

/** A part of a circle as an arrow: it starts above the middle and goes clockwise by an angle in radians, or back. */
export function bow([x, y]: Point, radius: number, angle: number): string {
  if (Math.abs(angle) < 0.05) return '';
  const at = (turn: number, distance = radius): Point => [x + distance * Math.sin(turn), y - distance * Math.cos(turn)];
  const points = Array.from({ length: 17 }, (_, i) => at((angle * i) / 16));
  const back = angle - Math.sign(angle) * Math.min(0.35, Math.abs(angle));
  return (
    line(points, colours.force, 2.5) + line([at(back, radius - 4), at(angle), at(back, radius + 4)], colours.force, 2.5)
  );
}

/** Shapes on the ground of a scene, as a whole SVG. */
export const sceneSvg = (shapes: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${sceneSize.width}" height="${sceneSize.height}" viewBox="0 0 ${sceneSize.width} ${sceneSize.height}"><rect width="100%" height="100%" fill="${colours.ground}"/>${shapes}</svg>`;
