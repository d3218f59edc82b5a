import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, handleReauthentication, handleSignedOut, queryString, request, send, setCsrfToken } from './client';

const answers: Response[] = [];
const fetched = vi.fn((_url: string, _init: RequestInit) => Promise.resolve(answers.shift() ?? new Response('{}')));

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status });
}

beforeEach(() => {
  answers.length = 0;
  fetched.mockClear();
  vi.stubGlobal('fetch', fetched);
  handleSignedOut(() => {});
  handleReauthentication(undefined);
});
afterEach(() => vi.unstubAllGlobals());

describe('the client', () => {
  it('leaves out what is not asked for', () => {
    expect(queryString({ page: 2, q: '', state: undefined, name: 'a b&c' })).toBe('?page=2&name=a+b%26c');
    expect(queryString({})).toBe('');
  });

  it('sends the CSRF token only with what changes something', async () => {
    setCsrfToken('secret');
    await request('GET', 'servers');
    await request('POST', 'silences', { body: { comment: 'x' } });
    const headers = fetched.mock.calls.map(([, init]) => init.headers as Record<string, string>);
    expect(headers[0]['X-CSRF-Token']).toBeUndefined();
    expect(headers[1]['X-CSRF-Token']).toBe('secret');
    expect(fetched.mock.calls[1][1].body).toBe('{"comment":"x"}');
  });

  it('keeps detail, hint and faults of a problem', async () => {
    answers.push(json(422, { code: 'malformed_rule', detail: 'the rule is malformed', hint: 'look at line 3', errors: [{ line: 3, column: 7, detail: 'unknown key' }] }));
    const error = await request('PUT', 'rule-groups/a').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, code: 'malformed_rule', message: 'the rule is malformed', hint: 'look at line 3', faults: [{ line: 3, column: 7 }] });
  });

  it('understands the errors of the Prometheus API and answers that are no JSON', async () => {
    answers.push(json(400, { status: 'error', errorType: 'bad_data', error: '1:4: parse error' }), new Response('Bad Gateway', { status: 502 }));
    await expect(send('GET', '/prometheus/api/v1/query')).rejects.toMatchObject({ code: 'bad_data', message: '1:4: parse error' });
    await expect(send('GET', '/x')).rejects.toMatchObject({ status: 502, code: 'http_502', message: 'Bad Gateway' });
  });

  it('tells that the server cannot be reached', async () => {
    fetched.mockImplementationOnce(() => Promise.reject(new TypeError('failed to fetch')));
    await expect(request('GET', 'overview')).rejects.toMatchObject({ status: 0, code: 'unreachable' });
  });

  it('asks for the password once and tries again', async () => {
    const ask = vi.fn(() => Promise.resolve(true));
    handleReauthentication(ask);
    answers.push(json(403, { code: 'reauthentication_required' }), json(200, { ok: true }));
    await expect(request('DELETE', 'users/1')).resolves.toEqual({ ok: true });
    expect(ask).toHaveBeenCalledOnce();
  });

  it('gives up when the password is not given', async () => {
    handleReauthentication(() => Promise.resolve(false));
    answers.push(json(403, { code: 'reauthentication_required' }));
    await expect(request('DELETE', 'users/1')).rejects.toMatchObject({ code: 'reauthentication_required' });
    expect(fetched).toHaveBeenCalledOnce();
  });

  it('notices that the session has ended, but not by a wrong password', async () => {
    const out = vi.fn();
    handleSignedOut(out);
    answers.push(json(401, { code: 'wrong_credentials' }), json(401, { code: 'wrong_password' }), json(401, { code: 'not_signed_in' }), json(401, { code: 'not_signed_in' }));
    await request('POST', 'session', { body: {} }).catch(() => {});
    await request('POST', 'me/password', { body: {} }).catch(() => {});
    await request('GET', 'session').catch(() => {});
    expect(out).not.toHaveBeenCalled();
    await request('GET', 'servers').catch(() => {});
    expect(out).toHaveBeenCalledOnce();
  });
});
