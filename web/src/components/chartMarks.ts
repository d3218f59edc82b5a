// Stretches of time marked on a chart, such as those in which an alert was firing.
import type { ChartColours } from '../app/theme';

export interface Mark {
  from_ms: number;
  to_ms: number;
  label: string;
  severity: 'critical' | 'warning' | 'info';
}

/** Stretches that touch become one, named after the first; the others are counted. */
export function mergeMarks(marks: Mark[]): Mark[] {
  const merged: (Mark & { names: Set<string> })[] = [];
  for (const mark of [...marks].sort((a, b) => a.from_ms - b.from_ms)) {
    const last = merged.at(-1);
    if (last && mark.from_ms <= last.to_ms) {
      last.to_ms = Math.max(last.to_ms, mark.to_ms);
      last.names.add(mark.label);
    } else merged.push({ ...mark, names: new Set([mark.label]) });
  }
  return merged.map(({ names, ...mark }) => ({ ...mark, label: names.size > 1 ? `${mark.label} + ${names.size - 1}` : mark.label }));
}

/** How much of the chart's width a label takes, at the most. */
const LABEL_SHARE = 0.3;

/**
 * Which marks carry their label, and to which side it is written: away from the nearer edge, so
 * that nothing is cut off, and only where the label before leaves room.
 */
export function placeLabels(marks: Mark[], from_ms: number, to_ms: number): ('left' | 'right' | undefined)[] {
  const width = Math.max(1, to_ms - from_ms);
  const taken: [number, number][] = [];
  return marks.map((mark) => {
    const start = (Math.max(mark.from_ms, from_ms) - from_ms) / width;
    const end = (Math.min(mark.to_ms, to_ms) - from_ms) / width;
    const side = start + LABEL_SHARE <= 1 ? 'left' : 'right';
    const room: [number, number] = side === 'left' ? [start, start + LABEL_SHARE] : [end - LABEL_SHARE, end];
    if (taken.some(([from, to]) => room[0] < to && from < room[1])) return undefined;
    taken.push(room);
    return side;
  });
}

/** The marks as an area that ECharts draws behind the first line. */
export function markArea(marks: Mark[], colours: ChartColours, from_ms: number, to_ms: number) {
  const sides = placeLabels(marks, from_ms, to_ms);
  return {
    silent: true,
    data: marks.map(({ from_ms: start, to_ms: end, label, severity }, index) => [
      {
        name: label,
        xAxis: start,
        itemStyle: { color: colours[severity], opacity: 0.13 },
        label: {
          show: sides[index] !== undefined,
          position: sides[index] === 'right' ? 'insideTopRight' : 'insideTopLeft',
          fontSize: 10,
          color: colours.faint,
          width: 120,
          overflow: 'truncate',
        },
      },
      { xAxis: end },
    ]),
  };
}

/** The labels of the marks at a moment, each once. */
export function marksAt(marks: Mark[], time_ms: number): string[] {
  return [...new Set(marks.filter(({ from_ms, to_ms }) => from_ms <= time_ms && time_ms <= to_ms).map(({ label }) => label))];
}
