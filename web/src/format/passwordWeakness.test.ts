import { describe, expect, it } from 'vitest';
import { passwordWeakness } from './passwordWeakness';

describe('weak passwords', () => {
  it('are told apart by the sentences of the server', () => {
    expect(passwordWeakness('The password has 4 characters; it needs at least 10.')).toEqual({ key: 'too_short', count: 10 });
    expect(passwordWeakness('The password is longer than 1024 bytes.')).toEqual({ key: 'too_long', count: 1024 });
    expect(passwordWeakness('This is one of the passwords that are tried first.')).toEqual({ key: 'common', count: undefined });
    expect(passwordWeakness('Straight rows of keys are easy to guess.')).toEqual({ key: 'guessable' });
  });
});
