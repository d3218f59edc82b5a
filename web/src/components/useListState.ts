import { Grid } from 'antd';
import { useSearchParams } from 'react-router';
import type { Query } from '../api/client';

const RESERVED = ['page', 'page_size', 'sort', 'q'];

/**
 * What part of a list is shown lives in the address, so that it can be linked and survives going
 * back. `prefix` keeps two lists of one page apart.
 */
export function useListState(defaults: Record<string, string> = {}, prefix = '') {
  const narrow = Grid.useBreakpoint().md === false;
  const [parameters, setParameters] = useSearchParams();
  const read = (name: string) => parameters.get(prefix + name) ?? defaults[name] ?? '';

  const query: Query = { page: Number(read('page')) || 1, page_size: Number(read('page_size')) || (narrow ? 20 : 50), sort: read('sort'), q: read('q') };
  for (const [name] of [...Object.entries(defaults), ...parameters.entries()]) {
    if (!name.startsWith(prefix)) continue;
    const bare = name.slice(prefix.length);
    if (!RESERVED.includes(bare)) query[bare] = read(bare);
  }

  const change = (next: Record<string, string | number | undefined>) =>
    setParameters(
      (old) => {
        const result = new URLSearchParams(old);
        // A different question starts again on its first page.
        if (!('page' in next)) result.delete(`${prefix}page`);
        for (const [name, value] of Object.entries(next)) {
          if (value === undefined || (value === '' && !defaults[name])) result.delete(prefix + name);
          else result.set(prefix + name, String(value));
        }
        return result;
      },
      { replace: true },
    );
  return { query, read, change };
}

export type ListState = ReturnType<typeof useListState>;
