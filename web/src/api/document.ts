// Something that several people edit as a whole, such as the file of a rule group. What was typed is
// never taken away: when somebody else saves meanwhile, the page tells, and one chooses.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, isChangedMeanwhile, requestVersioned } from './client';
import { refreshResources, resourceOf } from './hooks';

interface Options<T, D> {
  path: string;
  /** What is edited, out of what the server answers; the same answer gives the same draft. */
  read: (answer: T) => D;
  /** What is sent. */
  write: (draft: D) => unknown;
  /** Without it the document is there already; with it, it is made, and this is the start. */
  start?: D;
  /** What else shows it. */
  refresh?: string[];
}

/** What was typed, and what it was made of. */
interface Edit<D> {
  base: D;
  mine: D;
}

/** How somebody else's change stands against what was typed here. */
export type Meanwhile<D> = { kind: 'changed'; theirs: D } | { kind: 'deleted' };

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** What came between what was typed and what is stored. */
export function meanwhile<D>(edit: Edit<D> | undefined, stored: D | undefined, isGone: boolean): Meanwhile<D> | undefined {
  if (isGone) return { kind: 'deleted' };
  if (!edit || stored === undefined || same(stored, edit.base) || same(stored, edit.mine)) return undefined;
  return { kind: 'changed', theirs: stored };
}

export function useDocument<T, D>({ path, read, write, start, refresh = [] }: Options<T, D>) {
  const client = useQueryClient();
  const key = [resourceOf(path), path, 'versioned'];
  const isNew = start !== undefined;
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => requestVersioned<T>('GET', path, { signal }),
    enabled: !isNew,
  });
  const [edit, setEdit] = useState<Edit<D>>();
  // What is to be made may have the name of something that was looked at before.
  const found = isNew ? undefined : query.data;
  const stored = found && read(found.value);
  const isGone = found !== undefined && query.error instanceof ApiError && query.error.status === 404;
  const between = meanwhile(edit, stored, isGone);

  const saving = useMutation({
    mutationFn: (draft: D) => {
      const version = found?.version;
      // Where a proxy drops the versions, the server takes what comes last.
      const headers: Record<string, string> = isNew || isGone ? { 'If-None-Match': '*' } : version ? { 'If-Match': version } : {};
      return requestVersioned<T>('PUT', path, { body: write(draft), headers });
    },
    onSuccess: async (answer, sent) => {
      await client.cancelQueries({ queryKey: key });
      client.setQueryData(key, answer);
      if (!isNew) setEdit((now) => (!now || same(now.mine, sent) ? undefined : { base: read(answer.value), mine: now.mine }));
      refreshResources(client, [resourceOf(path), ...refresh]);
    },
    onError: (error) => {
      if (isChangedMeanwhile(error)) void query.refetch();
    },
  });
  const value = edit ? edit.mine : (stored ?? start);

  return {
    /** What the server answered last. */
    answer: found?.value,
    /** Why it could not be read. */
    error: isGone ? undefined : query.error,
    again: () => void query.refetch(),
    value,
    set: (mine: D) => {
      const base = edit?.base ?? stored ?? start;
      if (base !== undefined) setEdit(same(mine, base) ? undefined : { base, mine });
    },
    meanwhile: between,
    /** Drops what was typed. */
    takeTheirs: () => {
      saving.reset();
      setEdit(undefined);
    },
    /** Goes on with what was typed: saving it now replaces what they saved. */
    keepMine: () => {
      saving.reset();
      if (edit && stored !== undefined) setEdit({ base: stored, mine: edit.mine });
    },
    isSaving: saving.isPending,
    failure: saving.error,
    /** Saves; does nothing while there is a choice to be made. */
    save: (after: () => void) => {
      if (value !== undefined && between?.kind !== 'changed') void saving.mutateAsync(value).then(after, () => undefined);
    },
  };
}
