import * as echarts from 'echarts';
import { diverging, palette } from './palette.ts';

const size = { width: 540, height: 360 };
const text = { color: palette.ink, fontFamily: 'sans-serif' };

function draw(option: echarts.EChartsOption, { width, height } = size): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, backgroundColor: 'transparent', textStyle: text, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** A picture of {@link draw} as a file of its own: its ink follows the reader's light or dark ground. */
export const standalone = (svg: string): string =>
  svg.replace(
    /^<svg[^>]*>/,
    (open) =>
      `${open}<style>svg { color: #1b1f24; } @media (prefers-color-scheme: dark) { svg { color: #e5e7eb; background: #14171c; } }</style>`,
  );

/** Text and lines of an axis. */
const axisStyle = {
  axisLine: { lineStyle: { color: palette.ink }, onZero: false },
  splitLine: { lineStyle: { color: palette.faint } },
  axisLabel: { color: palette.ink },
  nameTextStyle: text,
};

/** Points of one name and colour: a curve, a scatter of points, or points joined by lines. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly colour: string;
  readonly dashed?: boolean;
  /** `line` (when absent; few points are marked), `points` alone, or `both`. */
  readonly mark?: 'line' | 'points' | 'both';
  /** Whether each of points alone has the name beside it. */
  readonly named?: boolean;
  /** Diameter of a point. Default 8 for points alone, otherwise 5. */
  readonly size?: number;
}

/** Axes of {@link plot}. */
export interface PlotOptions {
  readonly x?: string;
  readonly y?: string;
  /** Axes with a scale of logarithms. */
  readonly log?: { readonly x?: boolean; readonly y?: boolean };
  /** Ends of the axes; where the points end when absent. */
  readonly limits?: { readonly x?: readonly [number, number]; readonly y?: readonly [number, number] };
}

/** Curves and points over two axes, as SVG: fits, fronts, learning curves. */
export function plot(
  title: string,
  series: readonly Series[],
  { x, y, log = {}, limits = {} }: PlotOptions = {},
): string {
  const rows = legendRows(series);
  const below = 20 * (rows.length - 1);
  const xs = series.flatMap(({ points }) => points.map(([px]) => px));
  const ys = series.flatMap(({ points }) => points.map(([, py]) => py));
  const ends = (range: readonly [number, number] | undefined) =>
    range === undefined ? { min: 'dataMin', max: 'dataMax' } : { min: range[0], max: range[1] };
  return draw(
    {
      title: { text: title, left: 'center', textStyle: { ...text, fontSize: 14 } },
      legend: rows.map((row, i) => ({
        data: row.map(({ name }) => name),
        bottom: below - 20 * i,
        textStyle: text,
        itemWidth: 28,
        itemHeight: 8,
        itemGap: 18,
      })),
      grid: { left: 60, right: 20, top: 40, bottom: below + (x === undefined ? 52 : 72) },
      xAxis: {
        type: log.x ? 'log' : 'value',
        ...(x !== undefined && { name: x }),
        nameLocation: 'middle',
        nameGap: 26,
        ...axisStyle,
        // Steps and layers are whole.
        ...(xs.every(Number.isInteger) && { minInterval: 1 }),
        axisLabel: { ...axisStyle.axisLabel, hideOverlap: true, showMaxLabel: false, showMinLabel: false },
        ...ends(limits.x),
      },
      yAxis: {
        type: log.y ? 'log' : 'value',
        scale: true,
        ...(y !== undefined && { name: y }),
        nameLocation: 'middle',
        nameGap: 44,
        ...axisStyle,
        ...(log.y && { axisLabel: { ...axisStyle.axisLabel, formatter: power } }),
        ...(limits.y ? ends(limits.y) : log.y && ends(decades(ys))),
      },
      series: series.map(
        ({ name, points, colour, dashed, mark, named, size: diameter = mark === 'points' ? 8 : 5 }) => {
          const data = points.map(([px, py]) => [px, py]);
          if (mark === 'points')
            return {
              type: 'scatter' as const,
              name,
              data,
              symbolSize: diameter,
              z: 3,
              itemStyle: { color: colour },
              ...(named && { label: { show: true, formatter: () => name, position: 'top' as const, ...text } }),
            };
          return {
            type: 'line' as const,
            name,
            data,
            showSymbol: mark === 'both' || (mark === undefined && points.length < 40),
            symbol: 'circle',
            symbolSize: diameter,
            lineStyle: { width: 1.5, color: colour, type: dashed ? ('dashed' as const) : ('solid' as const) },
            itemStyle: { color: colour },
          };
        },
      ),
    },
    { width: size.width, height: size.height + Math.max(0, below - 20) },
  );
}

/** Series whose names fit side by side, two at most. */
function legendRows(series: readonly Series[]): Series[][] {
  const wide = (row: readonly Series[]) => row.reduce((sum, { name }) => sum + 50 + 6.5 * name.length, 0);
  const rows: Series[][] = [];
  for (const one of series) {
    const last = rows.at(-1);
    if (last?.length === 1 && wide([...last, one]) <= size.width) last.push(one);
    else rows.push([one]);
  }
  return rows;
}

/** The powers of ten around some positive numbers. */
function decades(values: readonly number[]): [number, number] {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  if (logs.length === 0) return [1, 10];
  const [least, most] = logs.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const from = Math.floor(least);
  return [10 ** from, 10 ** Math.max(from + 1, Math.ceil(most))];
}

/** A number on a scale of logarithms, short however large or small it is. */
const power = (value: number): string =>
  value >= 1e5 || value < 1e-4 ? value.toExponential(0).replace('e+', 'e') : String(Number(value.toPrecision(3)));

/** Curves over training steps, as SVG; a scale of logarithms only where no value is 0 or less. */
export function curves(title: string, series: readonly Series[], { log = false } = {}): string {
  const positive = series.every(({ points }) => points.every(([, y]) => y > 0));
  return plot(title, series, { x: 'step', log: { y: log && positive } });
}

/** Values of one name and colour, one for each group; an absent one has no bar. */
export interface Bars {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  readonly colour: string;
}

/** Bars in groups on a scale of logarithms, with a line at 1, as SVG: ratios. */
export function ratioBars(title: string, groups: readonly string[], series: readonly Bars[]): string {
  return draw(
    {
      title: { text: title, left: 'center', textStyle: { ...text, fontSize: 14 } },
      legend: { top: 26, textStyle: text },
      grid: { left: 130, right: 30, top: 60, bottom: 40 },
      xAxis: { type: 'log', min: 0.1, max: 10, ...axisStyle },
      yAxis: { type: 'category', inverse: true, data: [...groups], ...axisStyle, splitLine: { show: false } },
      series: series.map(({ name, values, colour }, i) => ({
        type: 'bar',
        name,
        data: values.map((value) => value ?? '-'),
        itemStyle: { color: colour },
        ...(i === 0 && {
          markLine: {
            symbol: 'none',
            silent: true,
            label: { show: false },
            lineStyle: { color: palette.ink, type: 'solid' },
            data: [{ xAxis: 1 }],
          },
        }),
      })),
    },
    { width: 720, height: 90 + groups.length * (12 + 10 * series.length) },
  );
}

/** Names of the axes and their places in {@link heatMap}. */
export interface HeatMapOptions {
  readonly x?: string;
  readonly y?: string;
  /** Names of the columns and rows; their numbers when absent. */
  readonly columns?: readonly string[];
  readonly rows?: readonly string[];
}

/** A matrix as coloured cells, as SVG: blue below zero, red above, on one scale; the first row is on top. */
export function heatMap(
  title: string,
  values: readonly (readonly number[])[],
  { x, y, columns, rows }: HeatMapOptions = {},
): string {
  const most = values.flat().reduce((top, value) => Math.max(top, Math.abs(value)), 1e-12);
  const least = Math.min(0, ...values.flat()) < 0 ? -most : 0;
  const longest = (names: readonly string[] = []) => Math.max(0, ...names.map(({ length }) => length));
  // Every name of a row or column is shown: those of columns lie aslant where they are long.
  const aslant = longest(columns) > 4;
  const [left, below] = [Math.max(60, 24 + 7 * longest(rows)), aslant ? 8 + 4 * longest(columns) : 0];
  const axis = (name: string | undefined, gap: number, names: readonly string[]) => ({
    ...axisStyle,
    type: 'category' as const,
    data: [...names],
    ...(name !== undefined && { name }),
    nameLocation: 'middle' as const,
    nameGap: gap,
    splitLine: { show: false },
  });
  return draw(
    {
      title: { text: title, left: 'center', textStyle: { ...text, fontSize: 14 } },
      grid: { left, right: 90, top: 40, bottom: 50 + below },
      xAxis: {
        ...axis(x, 28 + below, columns ?? Object.keys(values[0] ?? [])),
        ...(aslant && { axisLabel: { ...axisStyle.axisLabel, interval: 0, rotate: 40 } }),
      },
      yAxis: { ...axis(y, 36, rows ?? Object.keys(values)), inverse: true },
      visualMap: {
        min: least,
        max: most,
        orient: 'vertical',
        right: 0,
        top: 'center',
        itemHeight: 200,
        text: [short(most), short(least)],
        textStyle: text,
        inRange: { color: least < 0 ? diverge : rise },
      },
      series: [
        {
          type: 'heatmap',
          data: values.flatMap((row, i) => row.map((value, j) => [j, i, value])),
          progressive: 0,
        },
      ],
    },
    { width: size.width, height: 460 + below },
  );
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

const hex = (value: number): string => `rgb(${diverging(value).join(', ')})`;
const diverge = [-1, -0.5, 0, 0.5, 1].map(hex);
const rise = [0, 0.5, 1].map(hex);

/** A confusion matrix, as SVG: rows are true classes, columns predicted ones; the diagonal is left uncoloured. */
export function confusionMatrix(
  title: string,
  counts: readonly (readonly number[])[],
  names: readonly string[],
): string {
  const wrong = counts.flatMap((row, i) => row.filter((_, j) => i !== j));
  const cells = counts.flatMap((row, i) =>
    row.map((n, j) => ({
      value: [j, i, i === j ? 0 : n],
      label: {
        formatter: n === 0 ? '' : String(n),
        fontWeight: i === j ? ('bold' as const) : ('normal' as const),
      },
    })),
  );
  const long = names.some((name) => name.length > 4);
  const axis = {
    type: 'category' as const,
    data: [...names],
    axisLabel: {
      color: palette.ink,
      interval: 0,
      formatter: (name: string) => (name.length > 12 ? `${name.slice(0, 11)}…` : name),
      ...(names.length > 12 && { fontSize: 10 }),
    },
    axisLine: { lineStyle: { color: palette.faint } },
  };
  const along = {
    ...axis,
    name: 'predicted',
    nameLocation: 'middle',
    nameGap: long ? 66 : 28,
    nameTextStyle: text,
    axisLabel: { ...axis.axisLabel, rotate: long ? 45 : 0 },
  } as const;
  return draw(
    {
      title: { text: title, left: 'center', textStyle: { ...text, fontSize: 14 } },
      grid: { left: long ? 110 : 60, right: 20, top: 40, bottom: long ? 90 : 50 },
      xAxis: along,
      yAxis: {
        ...axis,
        name: 'true',
        nameLocation: 'middle',
        nameGap: long ? 84 : 36,
        nameTextStyle: text,
        inverse: true,
      },
      visualMap: {
        show: false,
        min: 0,
        max: Math.max(1, ...wrong),
        inRange: { color: ['rgba(239, 68, 68, 0)', 'rgba(239, 68, 68, 0.6)'] },
      },
      series: [
        {
          type: 'heatmap',
          data: cells,
          label: { show: true, color: palette.ink, fontSize: 11 },
          itemStyle: { borderColor: palette.faint, borderWidth: 1 },
        },
      ],
    },
    { width: 540, height: 460 },
  );
}
