import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from 'antd';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { CloudOrder } from '../../api/types';
import { loadLanguage } from '../../app/i18n';
import { ServerActions } from './ServerActions';

beforeAll(() => loadLanguage('en'));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Shows what somebody with these permissions can do with `web`; tells what was sent. */
function show(permissions: string[], underWay?: CloudOrder) {
  const sent: { url: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', async (url: string, { method, body }: RequestInit) => {
    if (method === 'POST') sent.push({ url, body: JSON.parse(String(body)) });
    return Response.json(url.endsWith('/session') ? { user: { id: 'u1' }, permissions, csrf_token: 't' } : { id: 'o1' });
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <App>
        <ServerActions server={{ server: 'web', state: 'running' }} underWay={underWay} />
      </App>
    </QueryClientProvider>,
  );
  return sent;
}

it('deletes a server only once its name was typed', async () => {
  const sent = show(['servers:manage']);
  const button = await screen.findByLabelText('Delete web');
  act(() => button.click());
  const field = await screen.findByLabelText('Type web to delete it');
  fireEvent.change(field, { target: { value: 'Web' } });
  act(() => screen.getByText('Delete for ever').click());
  expect(await screen.findByText('That is not its name')).toBeTruthy();
  expect(sent).toEqual([]);
  fireEvent.change(field, { target: { value: 'web' } });
  act(() => screen.getByText('Delete for ever').click());
  await waitFor(() => expect(sent).toEqual([{ url: '/api/v1/cloud-servers/web/actions', body: { action: 'delete', confirmation: 'web' } }]));
}, 20_000);

it('asks before it stops a server', async () => {
  const sent = show(['servers:manage']);
  const button = await screen.findByLabelText('Stop web');
  act(() => button.click());
  expect((await screen.findAllByText('Stop web? Whatever runs on it ends.')).length).toBeGreaterThan(0);
  expect(sent).toEqual([]);
});

it('shows how far it is in place of buttons, also to those who may do nothing', async () => {
  const order = { id: 'o1', action: 'stop', state: 'running', done: 0, total: 1, progress: '1 stopping' } as CloudOrder;
  show(['servers:read'], order);
  expect(await screen.findByText('1 stopping')).toBeTruthy();
  expect(screen.queryByRole('button')).toBeNull();
});

it('offers nothing to those who may only look', async () => {
  show(['servers:read']);
  await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
  expect(screen.queryByRole('button')).toBeNull();
});
