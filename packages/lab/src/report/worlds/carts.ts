import { arrow, box, circle, clipped, colours, type Drawing, line, type Point, sceneSize } from './scene.ts';

const { width } = sceneSize;
/** Half of the track, in metres, and what of the picture is beside it. */
const [halfTrack, margin] = [2.4, 14];

/** A cart with a pole: `angle` is from upright, clockwise, and `push` a share of the greatest force. */
function cart(position: number, angle: number, push: number, halfLength: number, rail: number, room: number): string {
  // The pole takes no more than the room above its cart.
  const scale = Math.min((width - 2 * margin) / (2 * halfTrack), room / (2 * halfLength));
  const x = width / 2 + position * scale;
  const joint: Point = [x, rail - 8];
  const length = 2 * halfLength * scale;
  const tip: Point = [x + length * Math.sin(angle), joint[1] - length * Math.cos(angle)];
  const end = (side: number): Point => [width / 2 + side * halfTrack * scale, rail];
  const side = Math.sign(push) * 15;
  return [
    line([end(-1), end(1)], colours.faint, 2),
    ...[-1, 1].map((s) => line([end(s), [end(s)[0], rail - 6]], colours.faint, 2)),
    box([x, rail - 8], 30, 14, colours.body),
    line([joint, tip], colours.limb, 5),
    circle(joint, 3, colours.ink),
    arrow([x + side, rail - 8], [x + side + 28 * push, rail - 8]),
  ].join('');
}

/** Upright poles stand on a rail that lies low. */
export const cartPole: Drawing = ({ seen, action }, { physics }) => {
  const push = action === undefined ? 0 : action[0] === 1 ? 1 : -1;
  return cart(seen[0] as number, seen[2] as number, push, physics.halfLength as number, 150, 130);
};

/** A pole that swings has its rail in the middle. MuJoCo's world of this name tells the whole length of its pole. */
export const cartPoleSwingUp: Drawing = ({ seen, action }, { physics }) => {
  const angle = Math.atan2(seen[3] as number, seen[2] as number);
  const halfLength = physics.halfLength ?? (physics.poleLength as number) / 2;
  return cart(seen[0] as number, angle, clipped(action?.[0] ?? 0), halfLength, 98, 74);
};
