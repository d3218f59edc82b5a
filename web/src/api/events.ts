// Live updates by server-sent events. An event does not carry data for the screen: it says which
// resource changed, and what shows it is read again (at most once a second).
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

export type LiveState = 'connecting' | 'live' | 'lost';

/** What else an event makes stale besides the resource that it names. */
const ALSO: Record<string, string[]> = {
  alerts: ['overview', 'servers'],
  servers: ['overview', 'series'],
  rules: ['rule-groups'],
  'rule-groups': ['rules'],
  silences: ['alerts', 'maintenance-windows'],
  channels: ['routes'],
  settings: ['registration'],
};

/** The cached resources that an event of a kind makes stale; `undefined` for all of them. */
export function staleAfter(kind: string): string[] | undefined {
  if (kind === 'everything') return undefined;
  const resource = kind.replaceAll('_', '-');
  return [resource, ...(ALSO[resource] ?? [])];
}

export function useLiveUpdates(enabled: boolean): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');

  useEffect(() => {
    if (!enabled || typeof EventSource === 'undefined') return;
    const source = new EventSource('/api/v1/events');
    const stale = new Set<string>();
    let all = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const refresh = () => {
      timer = undefined;
      const names = new Set(stale);
      const everything = all;
      stale.clear();
      all = false;
      void client.invalidateQueries({ predicate: ({ queryKey }) => everything || names.has(String(queryKey[0])) });
    };
    const receive = (event: MessageEvent<string>) => {
      const names = staleAfter(kindOf(event.data));
      if (names === undefined) all = true;
      for (const name of names ?? []) stale.add(name);
      if (timer === undefined) timer = setTimeout(refresh, 1000);
    };

    source.onopen = () => setState('live');
    source.onerror = () => setState('lost');
    source.addEventListener('change', receive);
    return () => {
      clearTimeout(timer);
      source.close();
    };
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
