// Language and appearance of this browser, and what was put away in it. The language also stands in the user's profile, so
// that messages from the server follow it.
import { useSyncExternalStore } from 'react';
import type { Language } from '../api/types';

export type Appearance = 'light' | 'dark' | 'system';

export interface Preferences {
  language: Language;
  appearance: Appearance;
  /** Of the first steps on the overview. */
  lastStepHidden?: boolean;
}

const STORE = 'yunhai.preferences';
const listeners = new Set<() => void>();

function browserLanguage(): Language {
  return typeof navigator !== 'undefined' && navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

function load(): Preferences {
  const defaults: Preferences = { language: browserLanguage(), appearance: 'system' };
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(STORE) ?? '{}') as Partial<Preferences>) };
  } catch {
    return defaults;
  }
}

let current = load();

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(STORE, JSON.stringify(current));
  } catch {
    // Storage may be forbidden; the choice then lasts until the page is closed.
  }
  for (const listener of listeners) listener();
}

export function getPreferences(): Preferences {
  return current;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, getPreferences);
}

const DARK = '(prefers-color-scheme: dark)';

function subscribeScheme(listener: () => void): () => void {
  const query = window.matchMedia(DARK);
  query.addEventListener('change', listener);
  return () => query.removeEventListener('change', listener);
}

/** Whether the page is dark now: by choice, or because the system is. */
export function useDark(): boolean {
  const { appearance } = usePreferences();
  const system = useSyncExternalStore(subscribeScheme, () => window.matchMedia(DARK).matches);
  return appearance === 'system' ? system : appearance === 'dark';
}
