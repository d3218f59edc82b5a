// One function through which every call to the API goes: adds the CSRF token, turns problem
// documents into ApiError, and asks for the password again where the server wants that.
import type { Problem } from './types';

export type Query = Record<string, string | number | boolean | undefined | null>;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint?: string;
  /** After how many seconds to try again, where waiting helps. */
  readonly retryAfterSecs?: number;
  readonly faults: NonNullable<Problem['errors']>;

  constructor(status: number, problem: Problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? (status === 0 ? 'unreachable' : `http_${status}`);
    this.hint = problem.hint;
    this.retryAfterSecs = problem.retry_after_secs;
    this.faults = problem.errors ?? [];
  }
}

/** Tells whether a change was refused because somebody else had saved since it was begun. */
export const isChangedMeanwhile = (error: unknown): boolean => error instanceof ApiError && error.code === 'changed_meanwhile';

let csrfToken = '';
let onSignedOut: () => void = () => {};
let reauthenticate: (() => Promise<boolean>) | undefined;

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Registers what happens when the server no longer knows the session. */
export function handleSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/** Registers the dialog that asks for the password again; it resolves to true when that worked. */
export function handleReauthentication(handler: (() => Promise<boolean>) | undefined): void {
  reauthenticate = handler;
}

export function queryString(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** An answer and the version of what it shows, where that has one. */
export interface Versioned<T> {
  value: T;
  version?: string;
}

/** Calls `/api/v1/{path}` and returns the decoded answer. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  return (await requestVersioned<T>(method, path, options)).value;
}

/** Calls `/api/v1/{path}` and returns the decoded answer with its version. */
export async function requestVersioned<T>(method: string, path: string, options: Options = {}): Promise<Versioned<T>> {
  const url = `/api/v1/${path}${queryString(options.query)}`;
  try {
    return await exchange<T>(method, url, options);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'reauthentication_required' && reauthenticate && (await reauthenticate())) {
      return exchange<T>(method, url, options);
    }
    // A wrong password or code is a 401 too, and ends nothing.
    if (error.code === 'not_signed_in' && !(path === 'session' && method === 'GET')) onSignedOut();
    throw error;
  }
}

/** Sends one request to any path of this server. */
export async function send<T>(method: string, url: string, options: Options = {}): Promise<T> {
  return (await exchange<T>(method, url, options)).value;
}

async function exchange<T>(method: string, url: string, { body, signal, headers: more }: Options): Promise<Versioned<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', ...more };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrfToken) headers['X-CSRF-Token'] = csrfToken;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, { code: 'unreachable' });
  }
  const text = await response.text();
  const answer = parse(text);
  if (!response.ok) throw new ApiError(response.status, asProblem(answer, response.statusText));
  return { value: answer as T, version: response.headers.get('ETag') ?? undefined };
}

function parse(text: string): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function asProblem(answer: unknown, statusText: string): Problem {
  if (answer && typeof answer === 'object') {
    // The Prometheus API has its own shape of errors.
    const prometheus = answer as { error?: string; errorType?: string };
    if (typeof prometheus.error === 'string') return { detail: prometheus.error, code: prometheus.errorType };
    return answer as Problem;
  }
  return { title: statusText || undefined, detail: typeof answer === 'string' ? answer.slice(0, 300) : undefined };
}
