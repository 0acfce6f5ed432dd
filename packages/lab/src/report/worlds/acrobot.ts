import { bow, circle, colours, type Drawing, line, type Point, sceneSize } from './scene.ts';

const pivot: Point = [sceneSize.width / 2, sceneSize.height / 2];

/** Two links, the height that the tip must reach, and the torque as a bow around the joint between them. */
export const acrobot: Drawing = ({ seen, action }, { physics }) => {
  const [length1, length2] = [physics.length1 as number, physics.length2 as number];
  const scale = 80 / (length1 + length2);
  const angle1 = Math.atan2(seen[1] as number, seen[0] as number);
  const angle2 = angle1 + Math.atan2(seen[3] as number, seen[2] as number);
  const from = ([x, y]: Point, angle: number, length: number): Point => [
    x + scale * length * Math.sin(angle),
    y + scale * length * Math.cos(angle),
  ];
  const joint = from(pivot, angle1, length1);
  const goal = pivot[1] - (scale * (length1 + length2)) / 2;
  return [
    line(
      [
        [20, goal],
        [sceneSize.width - 20, goal],
      ],
      colours.goal,
      2,
    ),
    line([pivot, joint], colours.body, 7),
    line([joint, from(joint, angle2, length2)], colours.limb, 7),
    circle(pivot, 3, colours.faint),
    circle(joint, 3, colours.ink),
    // A positive torque turns the second link counter-clockwise.
    action === undefined ? '' : bow(joint, 13, (1 - (action[0] as number)) * 2),
  ].join('');
};
