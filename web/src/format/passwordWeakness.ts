// Why the server does not take a password, as a key of the texts: it tells it in English only.

const KNOWN: [key: string, pattern: RegExp][] = [
  ['too_short', /needs at least (\d+)/],
  ['too_long', /longer than (\d+)/],
  ['common', /tried first/],
];

/** The kind of weakness, and the number in its sentence. */
export function passwordWeakness(reason: string): { key: string; count?: number } {
  for (const [key, pattern] of KNOWN) {
    const found = pattern.exec(reason);
    if (found) return { key, count: found[1] ? Number(found[1]) : undefined };
  }
  return { key: 'guessable' };
}
