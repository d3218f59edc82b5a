import { type Query, request } from './client';
import { asPage } from './hooks';
import type { Page } from './types';

const PAGE_SIZE = 500;
const MOST = 20_000;

/** Every row of a list, page by page, for an export. */
export async function fetchAll<T>(path: string, query: Query): Promise<T[]> {
  const rows: T[] = [];
  for (let page = 1; ; page += 1) {
    const answer = asPage(await request<Page<T> | T[]>('GET', path, { query: { ...query, page, page_size: PAGE_SIZE } }));
    rows.push(...answer.items);
    if (answer.items.length === 0 || rows.length >= answer.total || rows.length >= MOST) return rows;
  }
}
