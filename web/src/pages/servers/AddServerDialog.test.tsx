import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from 'antd';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadLanguage } from '../../app/i18n';
import { AddServerDialog } from './AddServerDialog';

beforeAll(() => loadLanguage('en'));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A server of which a machine reports in as soon as the test says so. */
function serve() {
  const said = { joined: [] as unknown[], asked: undefined as unknown };
  vi.stubGlobal('fetch', async (url: string, { method, body }: RequestInit) => {
    if (url.includes('agents/join')) return Response.json({ server: 'https://y.example.com', pin: null, architecture: 'x86_64' });
    if (method === 'POST') {
      said.asked = JSON.parse(String(body));
      return Response.json({ id: 't1', name: 'machines', token: 'ye_secret', uses: 1, used: 0, expires_at_ms: Date.now() + 86_400_000 }, { status: 201 });
    }
    return Response.json({ items: said.joined, total: said.joined.length, page: 1, page_size: 5 });
  });
  return said;
}

describe('adding a server', () => {
  it('shows the command once, and says who has joined by it and reports in', async () => {
    const said = serve();
    render(
      <QueryClientProvider client={new QueryClient()}>
        <App>
          <MemoryRouter>
            <AddServerDialog onClose={() => undefined} />
          </MemoryRouter>
        </App>
      </QueryClientProvider>,
    );
    fireEvent.click(screen.getByText('Make the command'));
    await waitFor(() => expect(screen.getByTestId('shown-once').textContent).toBe('curl -fsSL https://y.example.com/install.sh | sudo sh -s -- --server https://y.example.com --token ye_secret'));
    expect(said.asked).toMatchObject({ name: 'machines', uses: 1 });
    expect(screen.getByText(/Waiting for the machine/)).toBeTruthy();
    expect(screen.getByText(/may join: 1/)).toBeTruthy();
    said.joined = [{ id: 'a1', name: 'web-1', last_seen_ms: null }];
    await waitFor(() => expect(screen.getByRole('status').textContent).toContain('web-1 has joined'), { timeout: 10_000 });
    said.joined = [{ id: 'a1', name: 'web-1', last_seen_ms: Date.now() }];
    await waitFor(() => expect(screen.getByRole('status').textContent).toContain('web-1 reports in'), { timeout: 10_000 });
    expect(screen.getByRole('link', { name: 'web-1' }).getAttribute('href')).toBe('/servers/web-1');
  }, 25_000);
});
