// Live updates by server-sent events. An event does not carry data for the screen: it says which
// resource changed, and what shows it is read again (at most once a second). All browsers hear of it
// at the same moment: each waits a little longer by chance, so that they do not ask all at once.
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Hear, share } from './stream';

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
  clouds: ['cloud-accounts', 'cloud-servers', 'servers'],
  'cloud-orders': ['cloud-servers'],
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
/** The server ends a stream now and then; one that is soon back is not called lost. */
const PATIENCE_MS = 6000;

/**
 * Follows the server's events until the returned function is called: reads anew what they make stale,
 * and after a gap everything on the screen, since events were missed.
 */
export function follow(client: Pick<QueryClient, 'invalidateQueries'>, tell: (state: LiveState) => void, subscribe: (hear: Hear) => () => void): () => void {
  let lost: ReturnType<typeof setTimeout> | undefined;
  let gather: ReturnType<typeof setTimeout> | undefined;
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
  const stop = subscribe((heard) => {
    if (heard.what === 'change') {
      mark(staleAfter(heard.kind));
    } else if (heard.what === 'broken') {
      lost ??= setTimeout(() => tell('lost'), PATIENCE_MS);
    } else {
      clearTimeout(lost);
      lost = undefined;
      tell('live');
      if (heard.missed) mark(undefined);
    }
  });
  return () => {
    clearTimeout(gather);
    clearTimeout(lost);
    stop();
  };
}

export function useLiveUpdates(enabled: boolean): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => {
    if (!enabled || typeof EventSource === 'undefined') return;
    return follow(client, setState, (hear) => share(hear, () => new EventSource('/api/v1/events')));
  }, [client, enabled]);
  return state;
}
