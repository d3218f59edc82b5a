// Turns series into an ECharts option. Pure, so that the tests look at it without a canvas.
import type { EChartsCoreOption } from 'echarts/core';
import type { ChartColours } from '../app/theme';
import { formatValue, type Unit } from '../format/numbers';
import { formatClock } from '../format/time';
import { type Mark, markArea, marksAt } from './chartMarks';

export interface Line {
  name: string;
  points: [number, number][];
  dashed?: boolean;
  /** Lines of one colour belong together, such as now and the period before. */
  colour?: number;
}

interface Input {
  lines: Line[];
  unit: Unit;
  from_ms: number;
  to_ms: number;
  step_secs: number;
  colours: ChartColours;
  language: string;
  marks?: Mark[];
  /** What the tooltip says at a time at which a mark lies. */
  markText?: (label: string) => string;
  stacked?: boolean;
  zoomable?: boolean;
  compact?: boolean;
}

/** Breaks a line where samples are missing, so that it does not pretend to know. */
export function withGaps(points: [number, number][], step_secs: number): [number, number | null][] {
  const result: [number, number | null][] = [];
  let last: number | undefined;
  for (const [time, value] of points) {
    if (last !== undefined && time - last > step_secs * 1500) result.push([last + step_secs * 1000, null]);
    result.push([time, Number.isFinite(value) ? value : null]);
    last = time;
  }
  return result;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const MOST_IN_TOOLTIP = 14;

interface TooltipItem {
  seriesName: string;
  marker: string;
  value: [number, number | null];
}

export function tooltipHtml(items: TooltipItem[], unit: Unit, language: string, notes: string[] = []): string {
  const known = items.filter(({ value }) => value[1] !== null).sort((a, b) => (b.value[1] ?? 0) - (a.value[1] ?? 0));
  if (known.length === 0) return '';
  const rows = known.slice(0, MOST_IN_TOOLTIP).map(
    ({ marker, seriesName, value }) =>
      `<div style="display:flex;gap:16px;justify-content:space-between"><span>${marker}${escapeHtml(seriesName)}</span><b style="font-weight:600">${escapeHtml(formatValue(value[1], unit))}</b></div>`,
  );
  if (known.length > MOST_IN_TOOLTIP) rows.push(`<div>+ ${known.length - MOST_IN_TOOLTIP}</div>`);
  const remarks = notes.map((note) => `<div style="margin-top:4px">${escapeHtml(note)}</div>`);
  return `<div style="margin-bottom:4px">${escapeHtml(formatClock(known[0].value[0], language))}</div>${rows.join('')}${remarks.join('')}`;
}

export function chartOption(input: Input): EChartsCoreOption {
  const { lines, unit, from_ms, to_ms, step_secs, colours, language, marks = [], markText = (label: string) => label, compact } = input;
  const { palette, text, faint, line, surface } = colours;
  const legend = lines.length > 1;
  const highest = lines.reduce((most, { points }) => points.reduce((max, [, value]) => (Number.isFinite(value) && value > max ? value : max), most), 0);
  // Ratios that come near the whole are drawn against the whole; small ones would be a flat line.
  const wholeRatio = unit === 'ratio' && highest > 0.4 && highest <= 1;
  return {
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid: { left: 8, right: 14, top: 12, bottom: legend ? 30 : 6, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: surface,
      borderColor: line,
      textStyle: { color: text, fontSize: 12 },
      axisPointer: { type: 'line', lineStyle: { color: faint, type: 'dashed' } },
      formatter: (items: unknown) => {
        const found = items as TooltipItem[];
        return tooltipHtml(found, unit, language, marksAt(marks, found[0]?.value[0] ?? 0).map(markText));
      },
    },
    legend: legend
      ? { type: 'scroll', bottom: 0, left: 4, itemWidth: 12, itemHeight: 3, icon: 'roundRect', textStyle: { color: text, fontSize: 11 }, pageTextStyle: { color: faint }, pageIconColor: faint, pageIconInactiveColor: line }
      : { show: false },
    toolbox: input.zoomable ? { top: -100, feature: { dataZoom: { yAxisIndex: 'none', brushStyle: { color: faint, opacity: 0.18, borderWidth: 0 } } } } : undefined,
    xAxis: {
      type: 'time',
      min: from_ms,
      max: to_ms,
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      axisLabel: {
        color: faint,
        fontSize: 11,
        hideOverlap: true,
        formatter: { year: '{yyyy}', month: '{yyyy}-{MM}', day: '{MM}-{dd}', hour: '{HH}:{mm}', minute: '{HH}:{mm}', second: '{HH}:{mm}:{ss}' },
      },
      splitLine: { show: false },
      splitNumber: compact ? 3 : 6,
    },
    yAxis: {
      type: 'value',
      scale: unit === 'timestamp',
      min: unit === 'timestamp' ? undefined : (range: { min: number }) => Math.min(0, range.min),
      ...(wholeRatio ? { max: 1, interval: 0.25 } : {}),
      splitNumber: compact ? 3 : 5,
      axisLabel: { color: faint, fontSize: 11, formatter: (value: number) => formatValue(value, unit) },
      splitLine: { lineStyle: { color: line } },
    },
    series: lines.map(({ name, points, dashed, colour }, index) => ({
      type: 'line',
      name,
      data: withGaps(points, step_secs),
      showSymbol: points.length < 3,
      symbolSize: 5,
      sampling: 'lttb',
      stack: input.stacked ? 'all' : undefined,
      areaStyle: input.stacked ? { opacity: 0.35 } : lines.length === 1 ? { opacity: 0.08 } : undefined,
      lineStyle: { width: 1.5, type: dashed ? 'dashed' : 'solid', opacity: dashed ? 0.75 : 1 },
      itemStyle: { color: palette[(colour ?? index) % palette.length] },
      emphasis: { disabled: true },
      markArea: index === 0 && marks.length > 0 ? markArea(marks, colours, from_ms, to_ms) : undefined,
    })),
  };
}
