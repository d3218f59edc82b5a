// Live updates by server-sent events. An event does not carry data for the screen: it says which
// resource changed, and what shows it is read again (at most once a second). All browsers hear of it
// at the same moment: each waits a little longer by chance, so that they do not ask all at once.
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

export type LiveState = 'connecting' | 'live' | 'lost';

/** What else an event makes stale besides the resource that it names. */
const ALSO: Record<string, string[]> = {
  alerts: ['overview', 'servers'],
  servers: ['overview', 'series'],
  rules: ['rule-groups'],
  'rule-groups': ['rules'],
  silences: ['alerts', 'maintenance-windows'],
  inhibitions: ['alerts'],
  channels: ['routes'],
  settings: ['registration'],
};

/** The cached resources that an event of a kind makes stale; `undefined` for all of them. */
export function staleAfter(kind: string): string[] | undefined {
  if (kind === 'everything') return undefined;
  const resource = kind.replaceAll('_', '-');
  return [resource, ...(ALSO[resource] ?? [])];
}

const GATHER_MS = 1000;
const SPREAD_MS = 1000;
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;
/** The server ends a stream now and then; one that is soon back is not called lost. */
const PATIENCE_MS = 6000;

/**
 * Follows the server's events until the returned function is called. A browser takes up a broken
 * stream by itself, but not one that was refused (a restart, a proxy): that is asked for anew, with
 * growing pauses. After a gap everything on the screen is read again, since events were missed.
 */
export function follow(client: Pick<QueryClient, 'invalidateQueries'>, tell: (state: LiveState) => void, open: () => EventSource): () => void {
  let source: EventSource;
  let pause = FIRST_PAUSE_MS;
  let again: ReturnType<typeof setTimeout> | undefined;
  let lost: ReturnType<typeof setTimeout> | undefined;
  let gather: ReturnType<typeof setTimeout> | undefined;
  let missed = false;
  let all = false;
  const stale = new Set<string>();

  const refresh = () => {
    gather = undefined;
    const names = new Set(stale);
    const everything = all;
    stale.clear();
    all = false;
    void client.invalidateQueries({ predicate: ({ queryKey, meta }) => !meta?.once && (everything || names.has(String(queryKey[0]))) });
  };
  const mark = (names: string[] | undefined) => {
    if (names === undefined) all = true;
    for (const name of names ?? []) stale.add(name);
    gather ??= setTimeout(refresh, GATHER_MS + SPREAD_MS * Math.random());
  };
  const connect = () => {
    source = open();
    source.onopen = () => {
      clearTimeout(lost);
      lost = undefined;
      tell('live');
      pause = FIRST_PAUSE_MS;
      if (missed) mark(undefined);
      missed = false;
    };
    source.onerror = () => {
      lost ??= setTimeout(() => tell('lost'), PATIENCE_MS);
      missed = true;
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      again = setTimeout(connect, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    };
    source.addEventListener('change', (event: MessageEvent<string>) => mark(staleAfter(kindOf(event.data))));
  };
  connect();
  return () => {
    clearTimeout(again);
    clearTimeout(gather);
    clearTimeout(lost);
    source.close();
  };
}

export function useLiveUpdates(enabled: boolean): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => {
    if (!enabled || typeof EventSource === 'undefined') return;
    return follow(client, setState, () => new EventSource('/api/v1/events'));
  }, [client, enabled]);
  return state;
}

/** The kind in an event's data; what cannot be read makes nothing stale. */
export function kindOf(data: string): string {
  try {
    return String((JSON.parse(data) as { kind?: unknown }).kind ?? '');
  } catch {
    return '';
  }
}
