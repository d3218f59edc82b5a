// Live updates by server-sent events. An event does not carry data for the screen: it says which
// resource changed, and what shows it is read again (at most once a second).
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

export type LiveState = 'connecting' | 'live' | 'lost';

/** Which cached resources an event of a kind makes stale. */
export const STALE_BY_KIND: Record<string, string[]> = {
  alert: ['alerts', 'overview', 'servers', 'rule-groups'],
  server: ['servers', 'overview'],
  rule: ['rule-groups', 'rules'],
  silence: ['silences', 'alerts'],
  maintenance_window: ['maintenance-windows', 'alerts'],
  notification: ['notifications', 'channels'],
  channel: ['channels'],
  audit: ['audit'],
  user: ['users'],
};

export function useLiveUpdates(enabled: boolean): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');

  useEffect(() => {
    if (!enabled || typeof EventSource === 'undefined') return;
    const source = new EventSource('/api/v1/events');
    const stale = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;

    const refresh = () => {
      timer = undefined;
      const names = new Set(stale);
      stale.clear();
      void client.invalidateQueries({ predicate: ({ queryKey }) => names.has(String(queryKey[0])) });
    };
    const receive = (event: MessageEvent<string>) => {
      for (const name of STALE_BY_KIND[kindOf(event)] ?? []) stale.add(name);
      if (stale.size > 0 && timer === undefined) timer = setTimeout(refresh, 1000);
    };

    source.onopen = () => setState('live');
    source.onerror = () => setState('lost');
    source.onmessage = receive;
    for (const kind of Object.keys(STALE_BY_KIND)) source.addEventListener(kind, receive);
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [client, enabled]);

  return state;
}

/** The kind stands in the event's name or in its data. */
export function kindOf(event: { type: string; data?: string }): string {
  if (event.type !== 'message') return event.type;
  try {
    return String((JSON.parse(event.data ?? '') as { kind?: unknown }).kind ?? '');
  } catch {
    return '';
  }
}
