import { describe, expect, it } from 'vitest';
import { writeMessage } from './MessageFields';

describe('the message of a channel', () => {
  it('has no template where only blanks were typed', () => {
    expect(writeMessage({ language: '', title_template: '  ', body_template: '\n' })).toEqual({ language: null, title_template: null, body_template: null });
  });

  it('keeps a template as it was typed', () => {
    const typed = { language: 'zh-CN', title_template: ' {{ .Status }}', body_template: 'a\n  b\n' };
    expect(writeMessage(typed)).toEqual(typed);
  });
});
