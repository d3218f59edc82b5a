import { describe, expect, it } from 'vitest';
import type { AlertRow, Channel, ServerDetail, ServerRow } from '../api/types';
import { webLink } from './alert/AlertFacts';
import { KINDS, toConfig, toValues } from './channels/channelFields';
import { isLabel, readLabels, readRoute, writeRoute } from './channels/routeTree';
import { safeReturn } from './login/LoginPage';
import { groupNameIn, renameGroup } from './rules/groupName';
import { formFromValues, START, valuesFromForm } from './rules/formValues';
import { stepsDone } from './overview/firstSteps';
import { daysLeft, START as NEW_PROBE, toRequest, toValues as probeValues } from './probes/probeValues';
import { groupMetrics } from './server/groupMetrics';
import { joinCommand } from './servers/joinCommand';
import { toSettings } from './server/WatchDialog';
import { alertMarks } from './server/useAlertMarks';
import { mostBytes } from './servers/columns';

describe('pages', () => {
  it('return after the login only to themselves', () => {
    expect(safeReturn('/alerts?state=firing')).toBe('/alerts?state=firing');
    for (const evil of ['//evil.example', '/\\evil.example', 'https://evil.example', null]) expect(safeReturn(evil)).toBe('/overview');
  });

  it('open only web addresses from annotations', () => {
    expect(webLink('https://wiki/runbook')).toBe('https://wiki/runbook');
    expect(webLink('javascript:alert(1)')).toBeUndefined();
  });

  it('turn per cent and minutes into the units of the rule and back', () => {
    const form = formFromValues({ ...START, name: ' Cpu ', recovery_threshold: 80, matchers: [{ name: 'server', op: '=', value: '' }] });
    expect(form).toMatchObject({ name: 'Cpu', threshold: 0.9, recovery_threshold: 0.8, for_secs: 600, keep_firing_for_secs: 0, no_data: 'ok', no_data_for_secs: 600, matchers: [] });
    expect(valuesFromForm(form)).toMatchObject({ threshold: 90, recovery_threshold: 80, for_minutes: 10 });
    const full = { ...form, no_data: 'alert' as const, no_data_for_secs: 120, keep_firing_for_secs: 300, description: 'more', enabled: false };
    expect(formFromValues(valuesFromForm(full))).toEqual(full);
    expect(formFromValues({ ...START, metric: 'server_load1', threshold: 8 }).threshold).toBe(8);
  });

  it('keep the secrets of a channel that are not typed anew, and never show them', () => {
    const before = { webhook_url: '********', secret: '********', at_all: true, unknown: 1 };
    expect(toValues('dingtalk', before)).toMatchObject({ webhook_url: '', secret: '', at_all: true });
    expect(toConfig('dingtalk', { webhook_url: '', secret: 'new', at_mobiles: ' 1\n2, ' }, before)).toMatchObject({ webhook_url: '********', secret: 'new', at_mobiles: ['1', '2'], unknown: 1 });
    expect(Object.keys(KINDS)).toHaveLength(12);
  });

  it('keep, change and drop the headers and the authorisation of a webhook', () => {
    const before = { url: '********', headers: { 'X-A': '********', 'X-B': '********' }, authorization: { type: 'basic', username: 'u', password: '********' } };
    const values = toValues('webhook', before);
    expect(values).toMatchObject({ url: '', authorization: { type: 'basic', username: 'u', secret: '', stored: true } });
    expect(toConfig('webhook', values, before)).toEqual({ ...before, headers: { 'X-A': null, 'X-B': null }, authorization: { type: 'basic', username: 'u', password: null } });
    const headers = [{ name: 'X-B', value: 'new', stored: true }, { name: ' ', value: 'x', stored: false }];
    expect(toConfig('webhook', { ...values, headers, authorization: { type: 'bearer', username: '', secret: 't', stored: false } }, before)).toMatchObject({ headers: { 'X-B': 'new' }, authorization: { type: 'bearer', token: 't' } });
    expect(toConfig('webhook', { ...values, authorization: { type: 'none', username: '', secret: '', stored: false } }, before).authorization).toBeNull();
  });

  it('ask no password of a mail server without a user', () => {
    expect(toConfig('email', { ...toValues('email', {}), host: ' mail ', cc: 'a@b\nc@d' }, { password: '********' })).toMatchObject({ host: 'mail', password: '', cc: ['a@b', 'c@d'] });
  });

  it('read and write the tree of routes without losing what they do not show', () => {
    const tree = readRoute({ channels: ['c1'], group_wait: '30s', routes: [{ matchers: ['severity="critical"'] }] });
    expect(tree.routes[0]).toMatchObject({ matchers: [{ name: 'severity', op: '=', value: 'critical' }], channels: [], continue: false, escalations: [], routes: [] });
    const written = writeRoute({ ...tree, repeat_interval: '', matchers: [{ name: '', op: '=', value: '' }], escalations: [{ after: '15m', channels: [] }] });
    expect(written).toMatchObject({ channels: ['c1'], group_wait: '30s', matchers: [], escalations: [] });
    expect('repeat_interval' in written).toBe(false);
    expect(written.routes?.[0].matchers).toEqual(['severity="critical"']);
  });

  it('read labels as people write them', () => {
    expect(readLabels(['severity=critical', 'summary = "a=b"', 'empty='])).toEqual({ severity: 'critical', summary: 'a=b', empty: '' });
  });

  it('tell a label from other texts', () => {
    for (const text of ['severity=critical', '_a9 = x', 'empty=']) expect(isLabel(text), text).toBe(true);
    for (const text of ['critical', '=x', 'bad-name=1', '9a=1', '标签=值', '']) expect(isLabel(text), text).toBe(false);
  });

  it('put the metrics of a server in order', () => {
    const metrics = ['server_load1', 'server_network_receive_bytes_total', 'my_metric'].map((name) => ({ name, kind: 'gauge', unit: '', help: '', labels: [] }));
    expect(groupMetrics(metrics).map(({ key, metrics: list }) => [key, list.length])).toEqual([['headline', 2], ['cpu', 1], ['network', 1], ['other', 1]]);
  });

  it('mark only what was firing within the range', () => {
    const alert = (fired_at_ms: number | null, resolved_at_ms: number | null) => ({ rule: 'r', severity: 'warning', fired_at_ms, resolved_at_ms }) as AlertRow;
    const marks = alertMarks([alert(50, 150), alert(null, null), alert(300, null), alert(150, 170)], 100, 200);
    expect(marks).toEqual([
      { from_ms: 100, to_ms: 150, label: 'r', severity: 'warning' },
      { from_ms: 150, to_ms: 170, label: 'r', severity: 'warning' },
    ]);
  });

  it('measure the network of a server by the busiest one on the page', () => {
    const rows = [{ receive_bytes_per_sec: 10, transmit_bytes_per_sec: null }, { receive_bytes_per_sec: null, transmit_bytes_per_sec: 30 }] as ServerRow[];
    expect([mostBytes(rows), mostBytes([])]).toEqual([30, 0]);
  });

  it('keep the secrets of a probe that are not typed anew', () => {
    const request = toRequest({ ...NEW_PROBE, name: ' shop ', target: 'https://shop', timeout_secs: 0.5, headers: [{ name: 'X-Token', value: '', stored: true }, { name: 'X-New', value: 'v', stored: false }, { name: ' ', value: 'x', stored: false }], labels: ' team = shop \n\nurl=a=b' });
    expect(request).toMatchObject({ name: 'shop', timeout_ms: 500, headers: { 'X-Token': null, 'X-New': 'v' }, body: null, labels: { team: 'shop', url: 'a=b' } });
    expect(toRequest(probeValues({ ...request, id: 'p1', target_label: '', has_body: true, state: 'up', created_at_ms: 0, updated_at_ms: 0, version: '1' }))).toEqual({ ...request, headers: { 'X-Token': null, 'X-New': null } });
    expect([daysLeft(86_400_000 * 3, 1), daysLeft(0, 1)]).toEqual([2, -1]);
  });

  it('set of a server only what was touched', () => {
    const server = { is_local: true, tags: { team: 'shop' }, settings: {} } as unknown as ServerDetail;
    expect(toSettings({ interval_secs: null, account: ' ', region: 'cn', tags: 'team=shop' }, server)).toEqual({ interval_secs: null, account: null, region: 'cn', tags: null });
    expect(toSettings({ tags: '' }, server).tags).toEqual({});
    expect(toSettings({ interval_secs: 60, tags: 'a=b' }, { ...server, is_local: false })).toEqual({ interval_secs: 60, account: null, region: null, tags: null });
  });

  it('tick off the first steps by what there is', () => {
    const channel = { id: 'c1', enabled: true, last_ok: null } as Channel;
    expect([...stepsDone([], {}, 1)]).toEqual([]);
    expect([...stepsDone([{ ...channel, enabled: false, last_ok: true }], { channels: ['c1'] }, 1)]).toEqual([]);
    expect([...stepsDone([channel], { routes: [{ escalations: [{ after: '5m', channels: ['c1'] }] }] }, 1)]).toEqual(['channel', 'route']);
    expect([...stepsDone([{ ...channel, last_ok: false }], {}, 1)]).toEqual(['channel']);
    expect([...stepsDone([{ ...channel, last_ok: true }], { channels: ['c1'] }, 2)]).toHaveLength(4);
  });

  it('tell what to run on another machine, and when the address will not do', () => {
    const none = { server: null, pin: null };
    const safe = joinCommand('https://yunhai.example.com', none, 'ye_x');
    expect(safe).toEqual({ text: 'curl -fsSL https://yunhai.example.com/install.sh | sudo sh -s -- --server https://yunhai.example.com --token ye_x', isOwn: false, isPlain: false });
    expect(joinCommand('http://10.0.0.5:8420', none, 'x')).toMatchObject({ isOwn: false, isPlain: true, text: expect.stringContaining('--allow-plain-http') });
    expect(joinCommand('http://127.0.0.1:8420', none, 'x')).toMatchObject({ isOwn: true, isPlain: false });
    expect(joinCommand('http://127.0.0.1:8420', { ...none, server: 'https://y.example.com/' }, 'x').text).toContain('--server https://y.example.com --token');
    const pinned = joinCommand('https://[fd00::5]:8420', { server: null, pin: 'sha256//ab+c/d=' }, 'x').text;
    expect(pinned).toBe('curl -fsSLk --pinnedpubkey sha256//ab+c/d= https://[fd00::5]:8420/install.sh | sudo sh -s -- --server https://[fd00::5]:8420 --token x --pin sha256//ab+c/d=');
    expect(joinCommand("https://a'b", none, 'x').text).toContain(`'https://a'\\''b/install.sh'`);
  });

  it('read and change the name of a group where it stands in the file', () => {
    const file = 'groups:\n  - name: my-rules # ours\n    rules:\n      - alert: A\n        expr: name == 1\n';
    expect(groupNameIn(file)).toBe('my-rules');
    for (const name of ['db', '业务告警', 'a b: c', '']) {
      const renamed = renameGroup(file, name);
      expect(groupNameIn(renamed)).toBe(name);
      expect(renamed).toContain('# ours\n    rules:');
    }
    expect(groupNameIn("groups:\n- name: 'x y'\n")).toBe('x y');
    expect(groupNameIn('')).toBe('');
  });
});
