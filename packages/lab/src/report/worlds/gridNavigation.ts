import { box, circle, colours, type Drawing, line, type Point, sceneSize } from './scene.ts';

/** Cells with the hidden goal, the way so far and where it has led to. */
export const gridNavigation: Drawing = ({ seen }, { spec, physics, before }) => {
  const size = (spec.physics.goalX?.high as number) + 1;
  const cell = 160 / size;
  const corner: Point = [(sceneSize.width - 160) / 2, 10];
  const middle = (x: number, y: number): Point => [corner[0] + (x + 0.5) * cell, corner[1] + (size - y - 0.5) * cell];
  const lines = Array.from({ length: size + 1 }, (_, i): [Point, Point][] => [
    [
      [corner[0] + i * cell, corner[1]],
      [corner[0] + i * cell, corner[1] + 160],
    ],
    [
      [corner[0], corner[1] + i * cell],
      [corner[0] + 160, corner[1] + i * cell],
    ],
  ]).flat();
  const place = (all: ArrayLike<number>): Point => middle(all[0] as number, all[1] as number);
  return [
    box(middle(physics.goalX as number, physics.goalY as number), cell, cell, colours.goal),
    ...lines.map((points) => line(points, colours.faint, 1.5)),
    line([...before.map((moment) => place(moment.seen)), place(seen)], colours.limb, 3),
    circle(place(seen), cell * 0.28, colours.body),
  ].join('');
};
