// Language and appearance of this browser, and what was put away in it. The language also stands in the user's profile, so
// that messages from the server follow it.
import { useCallback, useMemo, useSyncExternalStore } from 'react';
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

/** Whether the system's setting is on, and again whenever it changes. */
function useSystem(query: string): boolean {
  const media = useMemo(() => window.matchMedia(query), [query]);
  const follow = useCallback(
    (listener: () => void) => {
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    [media],
  );
  return useSyncExternalStore(follow, () => media.matches);
}

/** Whether the page is dark now: by choice, or because the system is. */
export function useDark(): boolean {
  const { appearance } = usePreferences();
  const system = useSystem('(prefers-color-scheme: dark)');
  return appearance === 'system' ? system : appearance === 'dark';
}

/** Whether nothing is to move: dialogs and menus are there at once. */
export const useStill = (): boolean => useSystem('(prefers-reduced-motion: reduce)');
