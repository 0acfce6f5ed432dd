import { bow, circle, clipped, colours, type Drawing, line, type Point, pointOf, sceneSize } from './scene.ts';

/** Two links, each the thicker the heavier it is, the target, and torques as bows around both joints. */
export const reacher: Drawing = (moment, { spec, physics }) => {
  const longest = ['upperLength', 'lowerLength'].reduce((sum, name) => sum + (spec.physics[name]?.high as number), 0);
  const scale = (sceneSize.height / 2 - 10) / longest;
  const at = (site: number): Point => {
    const [x, z] = pointOf(moment, site);
    return [sceneSize.width / 2 + x * scale, sceneSize.height / 2 - z * scale];
  };
  const [shoulder, elbow, tip, target] = [at(0), at(1), at(2), at(3)];
  const width = (mass: string): number => 7 * Math.sqrt(physics[mass] as number);
  return [
    circle(target, 7, colours.goal),
    line([shoulder, elbow], colours.body, width('upperMass')),
    line([elbow, tip], colours.limb, width('lowerMass')),
    ...[shoulder, elbow, tip].map((joint) => circle(joint, 2.5, colours.ink)),
    // A positive torque turns a link counter-clockwise.
    ...Array.from(moment.action ?? [], (share, i) => bow(i === 0 ? shoulder : elbow, 13, -clipped(share) * 2)),
  ].join('');
};
