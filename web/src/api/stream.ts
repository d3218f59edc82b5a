// The stream of the server's events, one for all tabs of a browser: over HTTP/1.1 it opens no more
// than six connections to a host, and a stream for each tab would leave none for the seventh.

/** What is heard of the server's events. */
export type Heard = { what: 'opened'; missed: boolean } | { what: 'broken' } | { what: 'change'; kind: string };
export type Hear = (heard: Heard) => void;
export type Open = () => EventSource;

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Keeps a stream open until the returned function is called. A browser takes up a broken one by
 * itself, but not one that was refused (a restart, a proxy): that is asked for anew, with growing
 * pauses. After a gap it is told that events were missed.
 */
export function listen(hear: Hear, open: Open, missed = false): () => void {
  let source: EventSource;
  let pause = FIRST_PAUSE_MS;
  let again: ReturnType<typeof setTimeout> | undefined;
  const connect = () => {
    source = open();
    source.onopen = () => {
      pause = FIRST_PAUSE_MS;
      hear({ what: 'opened', missed });
      missed = false;
    };
    source.onerror = () => {
      missed = true;
      hear({ what: 'broken' });
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      again = setTimeout(connect, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    };
    source.addEventListener('change', (event: MessageEvent<string>) => hear({ what: 'change', kind: kindOf(event.data) }));
  };
  connect();
  return () => {
    clearTimeout(again);
    source.close();
  };
}

/** The kind in an event's data; what cannot be read makes nothing stale. */
export function kindOf(data: string): string {
  try {
    return String((JSON.parse(data) as { kind?: unknown }).kind ?? '');
  } catch {
    return '';
  }
}

const NAME = 'yunhai-events';
/** What a new tab asks the others, since the stream may have been open for long. */
const IS_IT_OPEN = 'is it open?';
/** A tab that waited for longer than this until it held the stream has missed what came meanwhile. */
const AT_ONCE_MS = 2000;

/**
 * Hears the server's events through the one stream of all tabs. The tab that has the lock holds the
 * stream and tells the others; when it is closed, the next one takes its place.
 */
export function share(hear: Hear, open: Open): () => void {
  if (typeof BroadcastChannel === 'undefined' || !('locks' in navigator)) return listenWhileSeen(hear, open);
  const channel = new BroadcastChannel(NAME);
  const waiting = new AbortController();
  const began = Date.now();
  let isOpen = false;
  let leave = () => {};
  channel.onmessage = ({ data }: MessageEvent<Heard | typeof IS_IT_OPEN>) => {
    if (data !== IS_IT_OPEN) hear(data);
    else if (isOpen) channel.postMessage({ what: 'opened', missed: false } satisfies Heard);
  };
  channel.postMessage(IS_IT_OPEN);
  const hold = () =>
    new Promise<void>((release) => {
      // The lock may have been on its way when nobody wanted it any more.
      if (waiting.signal.aborted) return release();
      const tell = (heard: Heard) => {
        if (heard.what !== 'change') isOpen = heard.what === 'opened';
        channel.postMessage(heard);
        hear(heard);
      };
      const stop = listen(tell, open, Date.now() - began > AT_ONCE_MS);
      leave = () => {
        stop();
        release();
      };
    });
  // It is refused only when `waiting` is aborted.
  navigator.locks.request(NAME, { signal: waiting.signal }, hold).catch(() => undefined);
  return () => {
    waiting.abort();
    leave();
    channel.close();
  };
}

/**
 * Holds a stream of the tab's own while somebody looks at it. That is for pages that came in the clear
 * from another machine: browsers let them have no locks.
 */
function listenWhileSeen(hear: Hear, open: Open): () => void {
  let stop: (() => void) | undefined;
  let missed = false;
  const follow = () => {
    if (document.hidden) {
      stop?.();
      stop = undefined;
      missed = true;
    } else {
      stop ??= listen(hear, open, missed);
    }
  };
  follow();
  document.addEventListener('visibilitychange', follow);
  return () => {
    document.removeEventListener('visibilitychange', follow);
    stop?.();
  };
}
