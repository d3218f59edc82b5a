import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useChange, useList } from './hooks';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A row that is taken off the list by what its button does. */
function Row({ onSuccess, onError }: { onSuccess: () => void; onError: (error: unknown) => void }) {
  const change = useChange(['overview']);
  return <button onClick={() => change.mutate({ method: 'DELETE', path: 'alerts/1' }, { onSuccess, onError })}>end</button>;
}

function Rows(after: { onSuccess: () => void; onError: (error: unknown) => void }) {
  const { data } = useList<string>('alerts', {});
  useList<string>('overview', {});
  return data?.items.map((id) => <Row key={id} {...after} />);
}

/** A server with one alert, which a DELETE takes away or not. Its overview takes a while. */
function serve(refuses: boolean) {
  let alerts = ['1'];
  vi.stubGlobal('fetch', async (url: string, { method }: RequestInit) => {
    if (url.includes('overview')) await new Promise((resolve) => setTimeout(resolve, 200));
    if (method !== 'DELETE') return Response.json(alerts);
    if (refuses) return Response.json({ code: 'conflict' }, { status: 409 });
    alerts = [];
    return new Response(null, { status: 204 });
  });
}

async function press() {
  const [onSuccess, onError] = [vi.fn(), vi.fn()];
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Rows onSuccess={onSuccess} onError={onError} />
    </QueryClientProvider>,
  );
  const button = await screen.findByText('end');
  act(() => button.click());
  return { onSuccess, onError };
}

describe('a change', () => {
  it('does what follows also when it takes away what asked for it', async () => {
    serve(false);
    const { onSuccess, onError } = await press();
    await waitFor(() => expect(screen.queryByText('end')).toBeNull());
    expect(onSuccess).toHaveBeenCalledTimes(1);
    expect(onError).not.toHaveBeenCalled();
  });

  it('that was refused says so and refreshes nothing', async () => {
    serve(true);
    const { onSuccess, onError } = await press();
    await waitFor(() => expect(onError).toHaveBeenCalledTimes(1));
    expect(onSuccess).not.toHaveBeenCalled();
    expect(screen.getByText('end')).toBeTruthy();
  });
});
