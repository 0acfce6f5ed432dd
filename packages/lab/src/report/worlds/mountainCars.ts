import { arrow, box, circle, clipped, colours, type Drawing, line, type Point, sceneSize } from './scene.ts';

const [left, right] = [-1.2, 0.6];
const scale = sceneSize.width / (right - left);

/** Where the valley is at a position. */
const ground = (position: number): Point => [
  (position - left) * scale,
  165 - 130 * (Math.sin(3 * position) * 0.45 + 0.45),
];

const valley = Array.from({ length: 73 }, (_, i) => ground(left + ((right - left) * i) / 72));

/** A car on the slope under it, the flag, and the push of its engine as a share of the greatest. */
function car(position: number, push: number, flag: number): string {
  const [[x, y], [flagX, flagY]] = [ground(position), ground(flag)];
  const slope = Math.atan2(130 * 1.35 * Math.cos(3 * position), scale);
  // Along the slope, and up from it.
  const at = (along: number, up: number): Point => [
    x + along * Math.cos(slope) - up * Math.sin(slope),
    y - along * Math.sin(slope) - up * Math.cos(slope),
  ];
  const side = Math.sign(push) * 13;
  return [
    line(valley, colours.faint, 3),
    line([ground(flag), [flagX, flagY - 26], [flagX + 11, flagY - 22], [flagX, flagY - 18]], colours.goal, 2.5),
    box(at(0, 9), 24, 9, colours.body, (-slope * 180) / Math.PI),
    circle(at(-7, 4), 4, colours.limb),
    circle(at(7, 4), 4, colours.limb),
    arrow(at(side, 9), at(side + 22 * push, 9)),
  ].join('');
}

export const mountainCar: Drawing = ({ seen, action }) =>
  car(seen[0] as number, action === undefined ? 0 : (action[0] as number) - 1, 0.5);

export const continuousMountainCar: Drawing = ({ seen, action }) =>
  car(seen[0] as number, clipped(action?.[0] ?? 0), 0.45);
