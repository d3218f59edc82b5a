import { render, screen } from '@testing-library/react';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../api/client';
import { loadLanguage } from '../app/i18n';
import { ErrorPanel } from './ErrorPanel';
import { AlertStateMark } from './StateMarks';
import { TimeText } from './TimeText';
import { UsageBar } from './UsageBar';

beforeAll(() => loadLanguage('en'));

describe('an error', () => {
  it('shows what the server said and what to do', () => {
    render(<ErrorPanel error={new ApiError(409, { code: 'conflict', detail: 'the name is taken', hint: 'choose another', errors: [{ line: 2, column: 5, detail: 'here' }] })} />);
    expect(screen.getByRole('alert').textContent).toMatch(/the name is taken.*choose another.*Line 2, column 5.*here/s);
  });

  it('with a known code speaks the language of the reader', async () => {
    await loadLanguage('zh-CN');
    render(<ErrorPanel error={new ApiError(403, { code: 'locked_out', detail: 'the account is locked' })} />);
    expect(screen.getByRole('alert').textContent).toContain('账户已被锁定');
    await loadLanguage('en');
  });

  it('says by codes what makes a password weak, and what it does not know as it came', async () => {
    const errors = [
      { pointer: '/password', code: 'too_short', limit: 12, detail: 'it needs at least 12' },
      { pointer: '/password', code: 'of_a_newer_server', detail: 'too fishy' },
    ];
    await loadLanguage('zh-CN');
    render(<ErrorPanel error={new ApiError(422, { code: 'weak_password', detail: 'it needs at least 12', hint: 'use words', errors })} />);
    const text = screen.getByRole('alert').textContent;
    expect(text).toMatch(/密码太弱.*至少需要 12 个字符.*too fishy/s);
    expect(text).not.toMatch(/it needs|use words/);
    await loadLanguage('en');
  });
});

describe('marks', () => {
  it('say the state in words', () => {
    render(<AlertStateMark state="acknowledged" />);
    expect(screen.getByText('Acknowledged')).toBeTruthy();
  });

  it('bars carry their value for those who cannot see them', () => {
    render(<UsageBar ratio={0.905} name="CPU" />);
    expect(screen.getByRole('meter').getAttribute('aria-valuenow')).toBe('91');
    expect(screen.getByText('90.5 %')).toBeTruthy();
  });

  it('times keep the exact moment', () => {
    render(<TimeText ms={0} />);
    expect(document.querySelector('time')?.dateTime).toBe('1970-01-01T00:00:00.000Z');
  });
});
