// The last questions of this browser, the newest first.

const STORE = 'yunhai.queries';
const MOST = 10;

export function recentQueries(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORE) ?? '[]');
    return Array.isArray(stored) ? stored.filter((expr) => typeof expr === 'string').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function rememberQuery(expr: string): void {
  const queries = [expr, ...recentQueries().filter((other) => other !== expr)].slice(0, MOST);
  try {
    localStorage.setItem(STORE, JSON.stringify(queries));
  } catch {
    // Storage may be forbidden; then nothing is remembered.
  }
}
