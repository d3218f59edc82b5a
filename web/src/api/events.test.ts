import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { follow, staleAfter } from './events';
import { kindOf, listen, share } from './stream';

class FakeSource {
  static CLOSED = 2;
  readyState = 0;
  onopen = () => {};
  onerror = () => {};
  close = vi.fn();
  private listener = (_event: { data: string }) => {};
  addEventListener(_kind: string, listener: (event: { data: string }) => void) {
    this.listener = listener;
  }
  send(kind: string) {
    this.listener({ data: JSON.stringify({ kind }) });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function start() {
  const sources: FakeSource[] = [];
  const invalidateQueries = vi.fn((_filter: { predicate: (query: { queryKey: string[] }) => boolean }) => Promise.resolve());
  const states: string[] = [];
  const open = () => {
    const source = new FakeSource();
    sources.push(source);
    return source as unknown as EventSource;
  };
  const stop = follow({ invalidateQueries } as never, (state) => states.push(state), (hear) => listen(hear, open));
  const isStale = (name: string) => invalidateQueries.mock.lastCall?.[0].predicate({ queryKey: [name] });
  return { sources, invalidateQueries, states, stop, isStale };
}

it('knows what an event makes stale', () => {
  expect(staleAfter(kindOf('{"kind":"alerts","id":"1"}'))).toEqual(['alerts', 'overview', 'servers']);
  expect(staleAfter('everything')).toBeUndefined();
  expect(staleAfter('maintenance_windows')).toEqual(['maintenance-windows']);
  expect(kindOf('not json')).toBe('');
});

it('gathers events and reads once what they make stale', () => {
  const { sources, invalidateQueries, isStale, stop } = start();
  sources[0].onopen();
  sources[0].send('alerts');
  sources[0].send('alerts');
  vi.advanceTimersByTime(1499);
  expect(invalidateQueries).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(invalidateQueries).toHaveBeenCalledOnce();
  expect([isStale('alerts'), isStale('overview'), isStale('rules')]).toEqual([true, true, false]);
  stop();
});

it('comes back after a refusal, and reads everything that it may have missed', () => {
  const { sources, states, isStale, stop } = start();
  sources[0].onopen();
  sources[0].readyState = FakeSource.CLOSED;
  sources[0].onerror();
  expect(sources).toHaveLength(1);
  vi.advanceTimersByTime(2000);
  expect(sources).toHaveLength(2);
  sources[1].readyState = FakeSource.CLOSED;
  sources[1].onerror();
  vi.advanceTimersByTime(3999);
  expect(sources).toHaveLength(2);
  vi.advanceTimersByTime(1);
  sources[2].onopen();
  vi.advanceTimersByTime(1500);
  expect(isStale('rules')).toBe(true);
  expect(states).toEqual(['live', 'lost', 'live']);
  stop();
  expect(sources[2].close).toHaveBeenCalled();
});

it('opens nothing when the lock comes after nobody wants it any more', () => {
  let grant: () => void = () => {};
  const request = (_name: string, _options: object, hold: () => void) => {
    grant = hold;
    return Promise.resolve();
  };
  vi.stubGlobal('navigator', { locks: { request } });
  vi.stubGlobal('BroadcastChannel', class {
    postMessage() {}
    close() {}
  });
  const open = vi.fn(() => new FakeSource() as unknown as EventSource);
  share(() => {}, open)();
  grant();
  expect(open).not.toHaveBeenCalled();
  share(() => {}, open);
  grant();
  expect(open).toHaveBeenCalledOnce();
});
