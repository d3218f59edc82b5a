import { describe, expect, it } from 'vitest';
import en from '../../locales/en.json';
import zh from '../../locales/zh-CN.json';
import { KINDS, toConfig, toValues } from './channelFields';

describe('the fields of channels', () => {
  it('have a name in both languages, and so have the kinds', () => {
    for (const { channels } of [en, zh]) {
      const named: Record<string, string> = channels.field;
      const kinds: Record<string, string> = channels.kind;
      for (const [kind, fields] of Object.entries(KINDS)) {
        expect(kinds[kind], kind).toBeTruthy();
        for (const { name, label } of fields) expect(named[label ?? name], `${kind}.${name}`).toBeTruthy();
      }
    }
  });

  it('keep a stored key that is not given anew, and send one that is', () => {
    const stored = { topic: 'projects/p-1/topics/a', service_account_key: null };
    const values = toValues('pubsub', stored);
    expect(values.service_account_key).toBe('');
    expect(toConfig('pubsub', values, stored).service_account_key).toBeNull();
    expect(toConfig('pubsub', { ...values, service_account_key: '{\n}' }, stored).service_account_key).toBe('{\n}');
  });

  it('leave out what is empty, and make lists of lines', () => {
    const values = { ...toValues('sns', {}), region: 'eu-central-1', to: '+8613800000001\n+8613800000002', topic_arn: '' };
    const config = toConfig('sns', values);
    expect(config.to).toEqual(['+8613800000001', '+8613800000002']);
    expect('topic_arn' in config || 'endpoint' in config).toBe(false);
  });
});
