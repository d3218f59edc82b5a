import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useDocument } from './document';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A server with one text, which refuses to replace another version than was read. */
function serve(start: string) {
  const server = { text: start as string | undefined, version: 1 };
  vi.stubGlobal('fetch', async (_url: string, { method, body, headers }: RequestInit) => {
    const sent = headers as Record<string, string>;
    const answer = () => Response.json({ text: server.text }, { headers: { ETag: `"${server.version}"` } });
    if (method === 'PUT') {
      const expected = sent['If-None-Match'] === '*' ? server.text === undefined : sent['If-Match'] === `"${server.version}"`;
      if (!expected) return Response.json({ code: 'changed_meanwhile' }, { status: 412 });
      store((JSON.parse(String(body)) as { text: string }).text);
    }
    return server.text === undefined ? Response.json({ code: 'not_found' }, { status: 404 }) : answer();
  });
  const store = (text: string | undefined) => {
    server.text = text;
    server.version += 1;
  };
  return { server, store };
}

function Editor() {
  const document = useDocument<{ text: string }, string>({ path: 'notes/1', read: ({ text }) => text, write: (text) => ({ text }) });
  const { meanwhile } = document;
  return (
    <>
      <textarea aria-label="text" value={document.value ?? ''} onChange={(event) => document.set(event.target.value)} />
      <output>{meanwhile?.kind === 'changed' ? `changed: ${meanwhile.theirs}` : (meanwhile?.kind ?? 'alone')}</output>
      <button onClick={document.keepMine}>mine</button>
      <button onClick={document.takeTheirs}>theirs</button>
      <button onClick={() => document.save(() => undefined)}>save</button>
    </>
  );
}

async function open(start: string) {
  const { server, store } = serve(start);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <Editor />
    </QueryClientProvider>,
  );
  const box = screen.getByLabelText<HTMLTextAreaElement>('text');
  await waitFor(() => expect(box.value).toBe(start));
  return {
    server,
    type: (text: string) => fireEvent.change(box, { target: { value: text } }),
    press: (name: string) => act(() => screen.getByRole('button', { name }).click()),
    /** Somebody else saves, and an event tells of it. */
    other: async (text: string | undefined, heard = true) => {
      store(text);
      if (heard) await act(() => client.invalidateQueries());
    },
    sees: (text: string, state = 'alone') =>
      waitFor(() => expect([box.value, screen.getByRole('status').textContent]).toEqual([text, state])),
  };
}

describe('a document that several people edit', () => {
  it('follows what others save while nothing is typed', async () => {
    const page = await open('a');
    await page.other('b');
    await page.sees('b');
    page.type('b!');
    page.type('b');
    await page.other('c');
    await page.sees('c');
  });

  it('keeps what was typed and tells what others saved', async () => {
    const page = await open('a');
    page.type('mine');
    await page.other('theirs');
    await page.sees('mine', 'changed: theirs');
    page.press('save');
    await page.sees('mine', 'changed: theirs');
    expect(page.server.text).toBe('theirs');
    page.press('theirs');
    await page.sees('theirs');
  });

  it('replaces what others saved only once that was chosen', async () => {
    const page = await open('a');
    page.type('mine');
    await page.other('theirs');
    await page.sees('mine', 'changed: theirs');
    page.press('mine');
    await page.sees('mine');
    page.press('save');
    await waitFor(() => expect(page.server.text).toBe('mine'));
    await page.sees('mine');
  });

  it('hears from the server of what no event has told', async () => {
    const page = await open('a');
    page.type('mine');
    await page.other('theirs', false);
    page.press('save');
    await page.sees('mine', 'changed: theirs');
    expect(page.server.text).toBe('theirs');
  });

  it('can be saved again and again, and typed into meanwhile', async () => {
    const page = await open('a');
    for (const text of ['b', 'c']) {
      page.type(text);
      page.press('save');
      page.type(`${text} and more`);
      await waitFor(() => expect(page.server.text).toBe(text));
      await page.sees(`${text} and more`);
    }
  });

  it('is made anew when somebody has deleted it', async () => {
    const page = await open('a');
    page.type('mine');
    await page.other(undefined);
    await page.sees('mine', 'deleted');
    page.press('save');
    await waitFor(() => expect(page.server.text).toBe('mine'));
    await page.sees('mine');
  });
});
