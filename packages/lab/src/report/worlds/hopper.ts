import { bow, circle, clipped, colours, type Drawing, line, type Point, pointOf, sceneSize } from './scene.ts';

/** Pixels of a metre, and where the ground lies. */
const [scale, ground] = [88, 168];
/** Metres between the marks on the ground, which pass by as it hops. */
const stride = 0.5;

/** Torso, thigh, lower leg and foot, in the middle of the picture; torques as bows around hip, knee and ankle. */
export const hopper: Drawing = (moment) => {
  const hip = pointOf(moment, 1);
  const at = (site: number): Point => {
    const [x, z] = pointOf(moment, site);
    return [sceneSize.width / 2 + (x - hip[0]) * scale, ground - z * scale];
  };
  const half = sceneSize.width / 2 / scale;
  const [first, last] = [Math.ceil((hip[0] - half) / stride), Math.floor((hip[0] + half) / stride)];
  const marks = Array.from({ length: last - first + 1 }, (_, i) => {
    const x = sceneSize.width / 2 + ((first + i) * stride - hip[0]) * scale;
    return line(
      [
        [x, ground + 5],
        [x, ground + 9],
      ],
      colours.faint,
      2,
    );
  });
  return [
    line(
      [
        [0, ground + 5],
        [sceneSize.width, ground + 5],
      ],
      colours.faint,
      2,
    ),
    ...marks,
    line([at(0), at(1)], colours.body, 9),
    line([at(1), at(2)], colours.limb, 9),
    line([at(2), at(3)], colours.limb, 7),
    line([at(4), at(5)], colours.body, 9),
    ...[1, 2, 3].map((site) => circle(at(site), 2.5, colours.ink)),
    // A positive torque turns what hangs from a joint counter-clockwise.
    ...Array.from(moment.action ?? [], (share, i) => bow(at(i + 1), 11, -clipped(share) * 2)),
  ].join('');
};
