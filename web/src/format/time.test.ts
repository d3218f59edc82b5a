import { describe, expect, it } from 'vitest';
import { formatRelative, parseDuration, promDuration } from './time';

const NOW = Date.UTC(2026, 10, 22, 12);

describe('times', () => {
  it('near now are relative', () => {
    expect(formatRelative(NOW - 3 * 60_000, NOW, 'en')).toBe('3 min. ago');
    expect(formatRelative(NOW + 2 * 3_600_000, NOW, 'en')).toBe('in 2 hr.');
    expect(formatRelative(NOW - 3 * 60_000, NOW, 'zh-CN')).toBe('3 分钟前');
  });

  it('far off are dates', () => {
    expect(formatRelative(NOW - 40 * 86_400_000, NOW, 'en')).toBe('Oct 13, 2026');
  });

  it('durations go both ways', () => {
    expect(parseDuration('1h30m')).toBe(5_400_000);
    expect(parseDuration('90')).toBeUndefined();
    expect(parseDuration('')).toBeUndefined();
    expect(promDuration(5_400_000)).toBe('1h30m');
    expect(promDuration(500)).toBe('1s');
    for (const text of ['15s', '6h', '7d', '1d2h3m4s']) expect(promDuration(parseDuration(text) ?? 0)).toBe(text);
  });
});
