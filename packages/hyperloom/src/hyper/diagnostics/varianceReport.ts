import { ArgumentError, type NdArray } from '../../tensor/index.ts';
import type { VarianceSample } from './variance.ts';

/** A mean square at init beside what it should be. */
export interface VarianceFigure {
  /** Median over examples and keys. */
  readonly model: number;
  /** The same of the target with ordinary first weights; absent for a module that is no hypernetwork. */
  readonly target?: number;
  /** model / target; absent where the target has 0, such as for the gradient of a layer that only reshapes. */
  readonly ratio?: number;
}

/** One layer of a {@link VarianceReport}. */
export interface VarianceRow {
  readonly path: string;
  readonly activation: VarianceFigure;
  readonly gradient: VarianceFigure;
}

/** How activations and gradients pass through a module at init. */
export interface VarianceReport {
  /** Layers in the order of the forward pass. */
  readonly layers: readonly VarianceRow[];
  /** What is wrong, a line each; empty when nothing is. */
  readonly warnings: readonly string[];
}

/** Ratios that pass: those of Chang et al. stay within these through eight layers. */
const [low, high] = [0.5, 2];
/** By how much a ratio may change from the first layer to the last. */
const drift = 4;

/**
 * Medians, ratios and a verdict from samples of `varianceProbe`, one sample for each key. A ratio should lie between
 * 0.5 and 2 at every layer and not drift with depth.
 * @throws ArgumentError for no samples
 * @example
 * const row = { activation: ndarray([1, 3]), gradient: ndarray([2, 2]) };
 * const half = { activation: ndarray([0.5, 0.5]), gradient: ndarray([2, 2]) };
 * const report = hyper.varianceReport([{ model: { fc: row }, target: { fc: half } }]);
 * report.layers[0]!.activation.ratio; // 4
 */
export function varianceReport(samples: readonly VarianceSample<NdArray>[]): VarianceReport {
  const [first] = samples;
  if (first === undefined) throw new ArgumentError('varianceReport: expected at least one sample, got none');
  const figure = (path: string, kind: 'activation' | 'gradient'): VarianceFigure => {
    const pooled = (side: 'model' | 'target') =>
      median(samples.flatMap((sample) => [...(sample[side]?.[path]?.[kind].data ?? [])]));
    const model = pooled('model');
    if (first.target?.[path] === undefined) return { model };
    const target = pooled('target');
    return target === 0 ? { model, target } : { model, target, ratio: model / target };
  };
  const layers = Object.keys(first.model).map((path) => ({
    path,
    activation: figure(path, 'activation'),
    gradient: figure(path, 'gradient'),
  }));
  return { layers, warnings: [...warningsOf(layers, 'activation'), ...warningsOf(layers, 'gradient')] };
}

function warningsOf(layers: readonly VarianceRow[], kind: 'activation' | 'gradient'): string[] {
  // What is 0 in the target too is no fault of the hypernetwork's.
  const dead = layers.filter(
    ({ [kind]: { model, target } }) => !Number.isFinite(model) || (model === 0 && target !== 0),
  );
  const compared = layers.flatMap(({ path, [kind]: { ratio } }) =>
    ratio !== undefined && ratio > 0 && Number.isFinite(ratio) ? [{ path, ratio }] : [],
  );
  const far = compared.filter(({ ratio }) => ratio < low || ratio > high);
  const worst = [...far].sort((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))[0];
  // Gradients run from the last layer to the first.
  const ordered = kind === 'activation' ? compared : [...compared].reverse();
  const [start, end] = [ordered[0], ordered.at(-1)];
  const change = start && end ? end.ratio / start.ratio : 1;
  return [
    ...(dead.length > 0 ? [`${kind}s: 0 or not finite at ${dead.map(({ path }) => path).join(', ')}`] : []),
    ...(worst
      ? [
          `${kind}s: ${far.length} of ${compared.length} layers outside ${low} to ${high} times the target's, worst ${worst.path} (${short(worst.ratio)})`,
        ]
      : []),
    ...(start && end && (change > drift || change < 1 / drift)
      ? [
          `${kind}s ${change > 1 ? 'grow' : 'shrink'} on their way: ratio ${short(start.ratio)} at ${start.path}, ${short(end.ratio)} at ${end.path}`,
        ]
      : []),
  ];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

const short = (value: number | undefined): string => (value === undefined ? '' : value.toPrecision(3));

/**
 * A {@link VarianceReport} as text: a line for each layer, then the verdict.
 * @example
 * const figure = { model: 2, target: 1, ratio: 2 };
 * const text = hyper.showVariance({ layers: [{ path: 'fc', activation: figure, gradient: figure }], warnings: [] });
 */
export function showVariance({ layers, warnings }: VarianceReport): string {
  const compared = layers.some(({ activation }) => activation.ratio !== undefined);
  const sides = compared ? (['model', 'target', 'ratio'] as const) : (['model'] as const);
  const header = ['layer', ...['activation', 'gradient'].flatMap((kind) => [kind, ...sides.slice(1)])];
  const rows = layers.map(({ path, activation, gradient }) => [
    path,
    ...[activation, gradient].flatMap((figure) => sides.map((side) => short(figure[side]))),
  ]);
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  const verdict = warnings.length > 0 ? warnings.map((w) => `warning: ${w}`) : compared ? [passed] : [];
  return [header, ...rows].map(line).concat(verdict).join('\n');
}

const passed = `every layer within ${low} to ${high} times the target's ordinary start`;
