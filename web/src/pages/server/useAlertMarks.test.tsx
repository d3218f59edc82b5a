import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { useAlertMarks } from './useAlertMarks';

afterEach(() => vi.unstubAllGlobals());

it('asks for every alert that was there in the range, page by page', async () => {
  const asked: URLSearchParams[] = [];
  vi.stubGlobal('fetch', async (url: string) => {
    const query = new URL(url, 'http://localhost').searchParams;
    asked.push(query);
    const length = query.get('page') === '1' ? 500 : 20;
    const alert = { rule: 'r', severity: 'warning', fired_at_ms: 150, resolved_at_ms: 160 };
    return Response.json({ items: Array.from({ length }, () => alert), total: 520, page: 1, page_size: 500 });
  });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>;
  const range = { from_ms: 100, to_ms: 200, step_secs: 1 };
  const { result } = renderHook(() => useAlertMarks('web-1', range), { wrapper });
  await waitFor(() => expect(result.current).toHaveLength(520));
  expect(Object.fromEntries(asked[0])).toMatchObject({ server: 'web-1', until_ms: '200', ended_after_ms: '100' });
  expect(asked.map((query) => query.get('page'))).toEqual(['1', '2']);
});
