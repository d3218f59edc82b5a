import { describe, expect, it } from 'vitest';
import { formatBytes, formatNumber, formatRatio, formatSeconds, formatValue, NOTHING, rateUnit, unitOfExpression, unitOfMetric } from './numbers';

describe('numbers', () => {
  it('keep three significant places', () => {
    expect([1234.5, 12.34, 1.234, 0.01234, 0].map(formatNumber)).toEqual(['1,235', '12.3', '1.23', '0.0123', '0']);
  });

  it('that are missing or not finite say so', () => {
    expect([null, undefined, NaN].map(formatNumber)).toEqual([NOTHING, NOTHING, NOTHING]);
    expect(formatNumber(Infinity)).toBe('∞');
  });

  it('of bytes are binary', () => {
    expect([0, 0.25, 1023.4, 1024, 1536, 5 * 2 ** 30, 300 * 2 ** 20].map(formatBytes)).toEqual(['0 B', '0.25 B', '1023 B', '1 KiB', '1.5 KiB', '5 GiB', '300 MiB']);
  });

  it('of ratios are per cent', () => {
    expect([0, 0.0123, 0.9, 0.964].map(formatRatio)).toEqual(['0 %', '1.23 %', '90 %', '96.4 %']);
  });

  it('of seconds read as lengths of time', () => {
    expect([0, 0.0005, 0.85, 12, 75, 3600, 11_100, 360_000].map(formatSeconds)).toEqual(['0 s', '500 µs', '850 ms', '12 s', '1 m 15 s', '1 h', '3 h 5 m', '4 d 4 h']);
  });

  it('take their unit from the name of the metric', () => {
    expect(unitOfMetric('server_cpu_utilization_ratio')).toBe('ratio');
    expect(unitOfMetric('server_network_receive_bytes_total')).toBe('bytes');
    expect(unitOfMetric('probe_tls_expiry_timestamp_seconds')).toBe('timestamp');
    expect(unitOfMetric('server_load1')).toBe('count');
    expect(rateUnit('seconds')).toBe('ratio');
    expect(unitOfExpression('sum(rate(server_network_receive_bytes_total[5m]))')).toBe('bytes/s');
    expect(unitOfExpression('server_memory_utilization_ratio > 0.9')).toBe('ratio');
    expect(unitOfExpression('up == 0')).toBe('count');
    expect(formatValue(2048, 'bytes/s')).toBe('2 KiB/s');
  });
});
