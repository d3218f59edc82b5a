import { useState } from 'react';
import { useChange } from '../api/hooks';
import { useNotice } from './useNotice';

/**
 * The rows of a list that can be made, changed and taken away: which one is in the dialog (`'new'`
 * for one that is being made), and the taking away.
 */
export function useEditedRows<T extends { id: string }>(path: string, refresh: string[], removedText: string) {
  const notice = useNotice();
  const change = useChange(refresh);
  const [edited, setEdited] = useState<T | 'new'>();
  const remove = (row: T) =>
    change.mutate({ method: 'DELETE', path: `${path}/${row.id}` }, { onSuccess: () => notice.done(removedText), onError: notice.failed });
  return {
    isOpen: edited !== undefined,
    row: edited === 'new' ? undefined : edited,
    make: () => setEdited('new'),
    edit: (row: T) => setEdited(row),
    close: () => setEdited(undefined),
    remove,
  };
}
