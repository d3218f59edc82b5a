import type { Fault } from '../../api/types';

/** Where a JSON text is wrong; `undefined` when it is not. Browsers word the place differently. */
export function jsonFault(text: string): Fault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const named = /line (\d+) column (\d+)/.exec(detail);
    if (named) return { line: Number(named[1]), column: Number(named[2]), detail };
    const offset = Number(/position (\d+)/.exec(detail)?.[1] ?? text.length);
    const before = text.slice(0, offset).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, detail };
  }
}
