import { escaped } from '../report/html.ts';
import { colourOf } from '../report/palette.ts';
import type { Kernel } from './kernels.ts';
import type { Profile } from './profile.ts';

/** A box of a flame graph, with those that it is made of. */
export interface Frame {
  readonly name: string;
  readonly ms: number;
  readonly children: readonly Frame[];
}

/** The step as boxes within boxes: parts, layers, operations and kernels; and what lies between kernels. */
export function framesOf({ stepMs, spent, kernels }: Profile): Frame {
  const levels: readonly ((kernel: Kernel) => string)[] = [
    ({ part }) => part,
    ({ layer }) => layer || '(no layer)',
    ({ op }) => op || '(added)',
    ({ type }) => type,
  ];
  const within = (own: readonly Kernel[], depth: number): Frame[] => {
    const by = levels[depth];
    if (by === undefined) return [];
    const groups = new Map<string, Kernel[]>();
    for (const kernel of own) groups.set(by(kernel), [...(groups.get(by(kernel)) ?? []), kernel]);
    return [...groups]
      .map(([name, all]) => ({ name, ms: all.reduce((sum, { ms }) => sum + ms, 0), children: within(all, depth + 1) }))
      .sort((a, b) => b.ms - a.ms);
  };
  const outside = [
    { name: 'calls beside kernels', ms: spent.calls, children: [] },
    { name: 'JavaScript', ms: spent.script, children: [] },
  ];
  return { name: 'step', ms: stepMs, children: [...within(kernels, 0), ...outside] };
}

const [width, row] = [1200, 22];

/** A flame graph as SVG: each box is as wide as what it took, under the box that it is a part of. */
export function flameGraph(root: Frame): string {
  const boxes: string[] = [];
  let depth = 0;
  const draw = (frame: Frame, x: number, level: number, colour: string): void => {
    const size = (width * frame.ms) / root.ms;
    if (size < 0.4) return;
    depth = Math.max(depth, level);
    const share = `${frame.ms.toPrecision(3)} ms, ${((100 * frame.ms) / root.ms).toFixed(1)} %`;
    const fits = Math.floor((size - 6) / 6.6);
    const label = frame.name.length <= fits ? frame.name : fits > 3 ? `${frame.name.slice(0, fits - 1)}\u2026` : '';
    boxes.push(
      `<g><title>${escaped(`${frame.name}: ${share}`)}</title><rect x="${x.toFixed(1)}" y="${level * row}" width="${size.toFixed(1)}" height="${row - 1}" fill="${colour}" fill-opacity="${1 - 0.15 * Math.max(0, level - 1)}" stroke="#fff" stroke-width="0.5"/>${label && `<text x="${(x + 3).toFixed(1)}" y="${level * row + 15}">${escaped(label)}</text>`}</g>`,
    );
    let at = x;
    frame.children.forEach((child, i) => {
      draw(child, at, level + 1, level === 0 ? colourOf(i) : colour);
      at += (width * child.ms) / root.ms;
    });
  };
  draw(root, 0, 0, '#94a3b8');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${(depth + 1) * row}" font-family="system-ui, sans-serif" font-size="12">${boxes.join('')}</svg>\n`;
}
