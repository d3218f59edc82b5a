import { describe, expect, it } from 'vitest';
import { narrowed, withoutThreshold } from './promqlTree';

describe('expressions', () => {
  it('lose their threshold where that is safe', () => {
    expect(withoutThreshold('server_load1 > 8')).toBe('server_load1');
    expect(withoutThreshold('server_load1{a=">"} >= 0.5e1')).toBe('server_load1{a=">"}');
    expect(withoutThreshold('abs(server_clock_skew_seconds) > -5')).toBe('abs(server_clock_skew_seconds)');
    expect(withoutThreshold('a > 1 and b > 2')).toBe('a > 1 and b > 2');
    expect(withoutThreshold('a > b')).toBe('a > b');
    expect(withoutThreshold('a > bool 1')).toBe('a > bool 1');
    expect(withoutThreshold('absent(up)')).toBe('absent(up)');
  });

  it('ask only for the series of one server', () => {
    expect(narrowed('server_up', 'server', 'a')).toBe('server_up{server="a"}');
    expect(narrowed('server_up{}', 'server', 'a')).toBe('server_up{server="a"}');
    expect(narrowed('rate(x{mode="idle"}[5m]) / on (server) y', 'server', 'a"b')).toBe('rate(x{server="a\\"b",mode="idle"}[5m]) / on (server) y{server="a\\"b"}');
    expect(narrowed('x{server=~"web.*"}', 'server', 'a')).toBe('x{server=~"web.*"}');
    expect(narrowed('sum by (server) (x)', 'server', 'a')).toBe('sum by (server) (x{server="a"})');
  });
});
