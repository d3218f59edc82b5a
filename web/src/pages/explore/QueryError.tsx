import { useEffect } from 'react';
import type { Fault } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { errorPosition } from '../../format/promql';
import { ApiError } from '../../api/client';

/** The error of a query; its place is marked in the editor. */
export function QueryError({ error, onFault }: { error: unknown; onFault: (fault: Fault) => void }) {
  useEffect(() => {
    if (!(error instanceof ApiError)) return;
    const place = errorPosition(error.message);
    if (place) onFault({ ...place, detail: error.message });
  }, [error, onFault]);
  return <ErrorPanel error={error} />;
}
