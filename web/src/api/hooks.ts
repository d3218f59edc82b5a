// TanStack Query over the API. The first element of a key is the resource ("alerts"), so that
// a live event can refresh everything that shows it.
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { isChangedMeanwhile, type Query, request } from './client';
import type { Page } from './types';

export function resourceOf(path: string): string {
  return path.split('/')[0];
}

interface ReadOptions {
  enabled?: boolean;
  refetchInterval?: number;
}

/** Reads one resource. */
export function useResource<T>(path: string, query?: Query, options: ReadOptions = {}) {
  return useQuery({
    queryKey: [resourceOf(path), path, query ?? {}],
    queryFn: ({ signal }) => request<T>('GET', path, { query, signal }),
    ...options,
  });
}

/** Reads one page of a list and keeps the previous page on screen meanwhile. */
export function useList<T>(path: string, query: Query, options: ReadOptions = {}) {
  return useQuery<Page<T>>({
    queryKey: [resourceOf(path), path, query],
    queryFn: ({ signal }) => request<Page<T> | T[]>('GET', path, { query, signal }).then(asPage),
    placeholderData: (previous: Page<T> | undefined) => previous,
    ...options,
  });
}

/** Lists that the server does not page (short ones) look like a single page. */
export function asPage<T>(answer: Page<T> | T[]): Page<T> {
  if (!Array.isArray(answer)) return answer;
  return { items: answer, total: answer.length, page: 1, page_size: answer.length };
}

/** Has everything that shows one of the resources read it anew. */
export function refreshResources(client: QueryClient, resources: string[]): void {
  const names = new Set(resources);
  void client.invalidateQueries({ predicate: ({ queryKey }) => names.has(String(queryKey[0])) });
}

export interface Change {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  /** The version of what is replaced: the server refuses where somebody else has saved meanwhile. */
  version?: string;
}

/** What is to be done after a change. */
interface After<T> {
  onSuccess?: (answer: T) => void;
  onError?: (error: unknown) => void;
}

/**
 * Changes something, then refreshes the named resources (and the one that was changed). What
 * `mutate` is told to do afterwards is done before the page shows the change, and also when that
 * takes away the component which asked for it, as a row that no longer belongs to its list.
 */
export function useChange<T = unknown>(refresh: string[] = []) {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: ({ method, path, body, version }: Change) =>
      request<T>(method, path, { body, headers: version ? { 'If-Match': `"${version}"` } : undefined }),
    onSuccess: (_answer, { path }) => refreshResources(client, [resourceOf(path), ...refresh]),
    onError: (error, { path }) => {
      if (isChangedMeanwhile(error)) refreshResources(client, [resourceOf(path)]);
    },
  });
  const insists = useRef(false);
  const mutate = (change: Change, { onSuccess, onError = () => undefined }: After<T> = {}) => {
    const version = insists.current ? undefined : change.version;
    void mutation.mutateAsync({ ...change, version }).then(onSuccess, onError);
  };
  /** From here on, what somebody else has saved meanwhile is replaced. */
  const insist = () => {
    insists.current = true;
  };
  return { ...mutation, mutate, insist };
}
