// Addresses of our own pages, written in one place.

export const serverLink = (server: string) => `/servers/${encodeURIComponent(server)}`;
export const groupLink = (group: string) => `/rules/groups/${encodeURIComponent(group)}`;
export const formLink = (rule: string) => `/rules/new?edit=${encodeURIComponent(rule)}`;
export const whyLink = (group: string, rule: string) => `/rules/${encodeURIComponent(group)}/${encodeURIComponent(rule)}/why`;

/** The query page with an expression, over a range that ends now or over one that lies still. */
export function exploreLink(expr: string, range?: { from_ms: number; to_ms: number; preset?: string }): string {
  const query = new URLSearchParams({ expr });
  if (range?.preset) query.set('range', range.preset);
  else if (range) {
    query.set('from', String(range.from_ms));
    query.set('to', String(range.to_ms));
  }
  return `/explore?${query}`;
}
