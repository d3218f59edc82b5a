import { describe, expect, it } from 'vitest';
import { exploreLink } from './links';
import { readable, readableValue, readReason } from './readable';

describe('sentences of the server', () => {
  it('have times of the zone and short numbers', () => {
    const text = readable('0.93123456 is > 0.9 since 2026-11-22T19:38:00.948Z', 'en');
    expect(text).toContain('0.931 is > 0.9 since ');
    expect(text).not.toContain('T19');
  });

  it('keep versions, names and ids as they are', () => {
    for (const text of ['kernel 6.1.0123', '250 2.0.0 Ok: queued as 4F2C1', 'web-0.1234.example']) expect(readable(text, 'en')).toBe(text);
  });

  it('that are a number get its unit', () => {
    expect(readableValue('0.9312345', 'ratio', 'en')).toBe('93.1 %');
    expect(readableValue('sent to ops', 'ratio', 'en')).toBe('sent to ops');
  });

  it('about a state are taken apart', () => {
    const keys = (text: string) => readReason(text, 'ratio', 'en')?.parts.map(({ key }) => key);
    expect(keys('0.95 is > 0.9; pending since 2026-11-22T19:38:00.948Z, fires after 10m (in 1m)')).toEqual(['holding', 'pending']);
    expect(keys('0.85 is not > 0.9, but not past the recovery threshold 0.8')).toEqual(['not_holding', 'recovering']);
    expect(keys('no data come any more; the alert stays as it was')).toEqual(['gone', 'stays']);
    expect(keys('the expression yields 3 since 2026-11-22T19:38:00.948Z')).toEqual(['yields', 'since']);
    expect(keys('the expression yields 3; kept firing until 2026-11-22T19:38:00.948Z')).toEqual(['yields', 'kept']);
    expect(keys('0.2 is not > 0.9')).toEqual(['not_holding']);
    expect(keys('another sentence')).toBeUndefined();
    expect(readReason('0.95 is > 0.9', 'ratio', 'en')?.parts[0].values).toEqual({ value: '95 %', comparison: '>', threshold: '90 %' });
  });
});

describe('links', () => {
  it('to a query keep its range', () => {
    expect(exploreLink('up == 0')).toBe('/explore?expr=up+%3D%3D+0');
    expect(exploreLink('up', { from_ms: 1, to_ms: 2, preset: '6h' })).toBe('/explore?expr=up&range=6h');
    expect(exploreLink('up', { from_ms: 1, to_ms: 2 })).toBe('/explore?expr=up&from=1&to=2');
  });
});
