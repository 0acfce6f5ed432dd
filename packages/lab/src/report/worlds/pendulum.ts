import { bow, circle, clipped, colours, type Drawing, line, type Point, sceneSize } from './scene.ts';

const pivot: Point = [sceneSize.width / 2, sceneSize.height / 2];

/** A rod, with its torque as a bow around the pivot; angles and torques are counter-clockwise, as in Gymnasium. */
export const pendulum: Drawing = ({ seen, action }, { spec, physics }) => {
  const [cos, sin] = [seen[0] as number, seen[1] as number];
  const length = (76 * (physics.length as number)) / Math.max(spec.physics.length?.high ?? 1, physics.length as number);
  const tip: Point = [pivot[0] - length * sin, pivot[1] - length * cos];
  return [
    line([pivot, tip], colours.limb, 9),
    circle(pivot, 4, colours.ink),
    bow(pivot, 16, -clipped(action?.[0] ?? 0) * Math.PI),
  ].join('');
};
