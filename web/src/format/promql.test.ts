import { describe, expect, it } from 'vitest';
import { chartQuery, chooseStep, errorPosition, labelText, matcherText, quote, readMatcher, selector, seriesNames } from './promql';

const gauge = { name: 'server_load1', kind: 'gauge', unit: '', help: '', labels: [] };
const counter = { name: 'server_disk_read_bytes_total', kind: 'counter', unit: 'bytes', help: '', labels: ['device'] };
const settings = { step_secs: 60, interval_secs: 300 };

describe('queries', () => {
  it('quote what people typed', () => {
    expect(quote('a"b\\c\nd')).toBe('"a\\"b\\\\c\\nd"');
    expect(selector('up', [{ name: 'server', op: '=~', value: 'web-.*' }])).toBe('up{server=~"web-.*"}');
    expect(selector('up', [])).toBe('up');
  });

  it('read the conditions that they write', () => {
    for (const value of ['web', 'a"b\\c', 'two\nlines', '']) {
      for (const op of ['=', '!=', '=~', '!~'] as const) expect(readMatcher(matcherText({ name: 'server', op, value }))).toEqual({ name: 'server', op, value });
    }
  });

  it('show gauges as they are and counters as rates', () => {
    expect(chartQuery(gauge, ['db 1'], settings)).toEqual({ expr: 'server_load1{server="db 1"}', unit: 'count' });
    expect(chartQuery(counter, ['db'], settings)).toEqual({ expr: 'rate(server_disk_read_bytes_total{server="db"}[20m])', unit: 'bytes/s' });
  });

  it('ask for several servers at once, their names taken literally', () => {
    expect(chartQuery(gauge, ['a.b', 'c'], settings).expr).toBe('server_load1{server=~"a\\\\.b|c"}');
  });

  it('put the offset of the period before inside the rate', () => {
    expect(chartQuery(counter, ['db'], { ...settings, offset_ms: 86_400_000 }).expr).toBe('rate(server_disk_read_bytes_total{server="db"}[20m] offset 1d)');
    expect(chartQuery(gauge, ['db'], { ...settings, offset_ms: 3_600_000 }).expr).toBe('server_load1{server="db"} offset 1h');
  });

  it('ask for about 240 points', () => {
    expect(chooseStep(0, 3_600_000)).toBe(15);
    expect(chooseStep(0, 86_400_000)).toBe(600);
    expect(chooseStep(0, 10_000)).toBe(1);
  });

  it('name series by the labels in which they differ', () => {
    expect(seriesNames([{ server: 'a', device: 'eth0' }, { server: 'a', device: 'eth1' }], 'x')).toEqual(['eth0', 'eth1']);
    expect(seriesNames([{ server: 'a' }], 'load')).toEqual(['load']);
    expect(seriesNames([{ a: '1', b: '1' }, { a: '1', b: '2' }, { a: '2', b: '1' }], 'x')).toEqual(['a=1, b=1', 'a=1, b=2', 'a=2, b=1']);
    expect(seriesNames([{ device: 'sda1', mountpoint: '/' }, { device: 'sdb', mountpoint: '/data' }], 'x')).toEqual(['/', '/data']);
    expect(labelText({ __name__: 'up', server: 'a' })).toBe('server="a"');
  });

  it('that are wrong say where', () => {
    expect(errorPosition('1:5: parse error: unexpected "}"')).toEqual({ line: 1, column: 5 });
    expect(errorPosition('invalid query (2:11)')).toEqual({ line: 2, column: 11 });
    expect(errorPosition('no such function')).toBeUndefined();
  });
});
