import { describe, expect, it } from 'vitest';
import { dayName, readQuiet, writeQuiet } from './QuietFields';

describe('quiet hours', () => {
  it('are none where they are off', () => {
    const values = readQuiet(null);
    expect(values.quiet).toBe(false);
    expect(writeQuiet(values)).toBeNull();
  });

  it('send all days as none, and some in their order', () => {
    const values = { ...readQuiet(null), quiet: true };
    expect(writeQuiet(values)?.weekdays).toEqual([]);
    const some = { ...values, quiet_hours: { ...values.quiet_hours, weekdays: [7, 6] } };
    expect(writeQuiet(some)?.weekdays).toEqual([6, 7]);
    expect(readQuiet(writeQuiet(some)).quiet_hours.weekdays).toEqual([6, 7]);
  });

  it('name the days from Monday on', () => {
    expect(dayName(1, 'en')).toBe('Mon');
    expect(dayName(7, 'en')).toBe('Sun');
    expect(dayName(1, 'zh-CN')).toBe('周一');
  });
});
