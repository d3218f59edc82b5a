// Who is signed in. The answer of GET session also carries the CSRF token for later calls.
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { ApiError, request, setCsrfToken } from './client';
import type { SessionInfo } from './types';

const KEY = ['session'];

async function readSession(): Promise<SessionInfo | null> {
  try {
    const session = await request<SessionInfo>('GET', 'session');
    setCsrfToken(session.csrf_token);
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

const AGAIN_MS = 3000;

/** The session, `null` when nobody is signed in, `undefined` while it is not known yet. */
export function useSession() {
  return useQuery({
    queryKey: KEY,
    queryFn: readSession,
    staleTime: 60_000,
    retry: false,
    // Without it there is no page, and so nothing else that would notice that the server is back.
    refetchInterval: ({ state }) => (state.data === undefined && state.errorUpdateCount > 0 ? AGAIN_MS : false),
  });
}

/** The other tabs of this browser, which have the same cookie and so the same session. */
const tabs = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('yunhai.session');

function tellOtherTabs(): void {
  tabs?.postMessage('changed');
}

/** Takes up what another tab did: signing in, signing out, or signing in as somebody else. */
export function followOtherTabs(client: QueryClient): void {
  tabs?.addEventListener('message', () => void takeUp(client));
}

async function takeUp(client: QueryClient): Promise<void> {
  const before = client.getQueryData<SessionInfo | null>(KEY);
  const now = await readSession().catch(() => undefined);
  if (now === undefined) return;
  if (now === null) {
    endSession(client);
    return;
  }
  client.setQueryData(KEY, now);
  // What the one before could see is not for this one.
  if (before?.user.id !== now.user.id) await client.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
}

const ENDED = ['session-ended'];

/** The server no longer knows the session: everything that was read in it goes with it. */
export function endSession(client: QueryClient): void {
  const wasSignedIn = Boolean(client.getQueryData(KEY));
  setCsrfToken('');
  client.setQueryData(KEY, null);
  if (wasSignedIn) client.setQueryData(ENDED, true);
}

/** Whether a session ended by itself since this page was loaded, which the login page tells. */
export function useSessionEnded(): boolean {
  const { data } = useQuery({ queryKey: ENDED, queryFn: () => false, enabled: false, initialData: false, gcTime: Infinity });
  return data;
}

export interface Credentials {
  name: string;
  password: string;
  totp?: string;
  recovery_code?: string;
}

export function useSignIn() {
  const client = useQueryClient();
  return async (credentials: Credentials) => {
    const session = await request<SessionInfo>('POST', 'session', { body: credentials });
    setCsrfToken(session.csrf_token);
    // Nothing that somebody else read before stays.
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
    client.setQueryData(KEY, session);
    tellOtherTabs();
    return session;
  };
}

export function useSignOut() {
  const client = useQueryClient();
  return async () => {
    try {
      await request('DELETE', 'session');
    } finally {
      setCsrfToken('');
      client.clear();
      client.setQueryData(KEY, null);
      tellOtherTabs();
    }
  };
}

export type Permission =
  | 'alerts:acknowledge'
  | 'servers:write'
  | 'metrics:write'
  | 'probes:write'
  | 'clouds:write'
  | 'agents:write'
  | 'servers:manage'
  | 'rules:write'
  | 'silences:write'
  | 'channels:write'
  | 'users:manage'
  | 'audit:read'
  | 'settings:write'
  | 'tokens:own';

/** Whether the signed-in user may act. It only hides what would be refused: the server decides. */
export function useMay(permission: Permission): boolean {
  const { data } = useSession();
  return data?.permissions.includes(permission) ?? false;
}
