import { describe, expect, it } from 'vitest';
import { chartColours } from '../app/theme';
import { marksAt, mergeMarks, placeLabels } from './chartMarks';
import { chartOption, escapeHtml, tooltipHtml, withGaps } from './chartOption';

describe('charts', () => {
  it('break where samples are missing', () => {
    expect(withGaps([[0, 1], [60_000, 2], [240_000, 3]], 60)).toEqual([[0, 1], [60_000, 2], [120_000, null], [240_000, 3]]);
    expect(withGaps([[0, NaN]], 60)).toEqual([[0, null]]);
  });

  it('never let a label write HTML', () => {
    expect(escapeHtml('<img onerror="x">')).not.toContain('<');
    const html = tooltipHtml([{ seriesName: '<script>', marker: '', value: [0, 1] }], 'count', 'en');
    expect(html).not.toContain('<script>');
  });

  it('show the largest values first and count the rest', () => {
    const items = Array.from({ length: 20 }, (_, index) => ({ seriesName: `s${index}`, marker: '', value: [0, index] as [number, number] }));
    const html = tooltipHtml(items, 'count', 'en');
    expect(html.indexOf('s19')).toBeLessThan(html.indexOf('s18'));
    expect(html).toContain('+ 6');
  });

  it('draw high ratios against the whole and low ones not', () => {
    const input = { unit: 'ratio' as const, from_ms: 0, to_ms: 1000, step_secs: 1, colours: chartColours(false), language: 'en' };
    const axis = (value: number) => (chartOption({ ...input, lines: [{ name: 'a', points: [[0, value]] }] }) as { yAxis: { max?: number } }).yAxis;
    expect(axis(0.7).max).toBe(1);
    expect(axis(0.02).max).toBeUndefined();
  });

  it('write the labels of marks where they are not cut off, and leave out those without room', () => {
    const mark = (from_ms: number, to_ms: number, label = 'a') => ({ from_ms, to_ms, label, severity: 'warning' as const });
    expect(placeLabels([mark(0, 10), mark(10, 20), mark(50, 60), mark(95, 100)], 0, 100)).toEqual(['left', undefined, 'left', undefined]);
    expect(placeLabels([mark(0, 10), mark(95, 100)], 0, 100)).toEqual(['left', 'right']);
    expect(mergeMarks([mark(20, 30, 'c'), mark(0, 10), mark(5, 15, 'b'), mark(6, 8)])).toEqual([mark(0, 15, 'a + 1'), mark(20, 30, 'c')]);
    expect(marksAt([mark(0, 10, 'a'), mark(5, 20, 'b'), mark(6, 9, 'a')], 8)).toEqual(['a', 'b']);
    expect(tooltipHtml([{ seriesName: 's', marker: '', value: [0, 1] }], 'count', 'en', ['HighCpu fires'])).toContain('HighCpu fires');
  });
});
