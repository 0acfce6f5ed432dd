import * as echarts from 'echarts';
import { palette } from './palette.ts';

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

/** A curve: its name and its points. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly colour: string;
  readonly dashed?: boolean;
}

/** Curves over training steps, as SVG. */
export function curves(title: string, series: readonly Series[], { log = false } = {}): string {
  const axis = {
    axisLine: { lineStyle: { color: palette.ink } },
    splitLine: { lineStyle: { color: palette.faint } },
    axisLabel: { color: palette.ink },
    nameTextStyle: text,
  };
  return draw({
    title: { text: title, left: 'center', textStyle: { ...text, fontSize: 14 } },
    // Two curves to a line, so that the four of a run and its control stand in two even rows.
    legend: [series.slice(0, 2), series.slice(2)].map((row, i) => ({
      data: row.map(({ name }) => name),
      bottom: i === 0 && series.length > 2 ? 20 : 0,
      textStyle: text,
      itemWidth: 28,
      itemHeight: 8,
      itemGap: 18,
    })),
    grid: { left: 60, right: 20, top: 40, bottom: series.length > 2 ? 92 : 72 },
    xAxis: {
      type: 'value',
      name: 'step',
      nameLocation: 'middle',
      nameGap: 26,
      ...axis,
      axisLabel: { ...axis.axisLabel, showMaxLabel: false },
      max: 'dataMax',
    },
    yAxis: { type: log ? 'log' : 'value', scale: true, ...axis },
    series: series.map(({ name, points, colour, dashed }) => ({
      type: 'line',
      name,
      data: points.map(([x, y]) => [x, y]),
      showSymbol: points.length < 40,
      symbol: 'circle',
      symbolSize: 5,
      lineStyle: { width: 1.5, color: colour, type: dashed ? 'dashed' : 'solid' },
      itemStyle: { color: colour },
    })),
  });
}

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
  const axis = {
    type: 'category' as const,
    data: [...names],
    axisLabel: { color: palette.ink },
    axisLine: { lineStyle: { color: palette.faint } },
  };
  return draw(
    {
      title: { text: title, left: 'center', textStyle: { ...text, fontSize: 14 } },
      grid: { left: 60, right: 20, top: 40, bottom: 50 },
      xAxis: { ...axis, name: 'predicted', nameLocation: 'middle', nameGap: 28, nameTextStyle: text },
      yAxis: { ...axis, name: 'true', nameLocation: 'middle', nameGap: 36, nameTextStyle: text, inverse: true },
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
