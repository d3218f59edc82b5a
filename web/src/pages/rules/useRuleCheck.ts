import { useEffect, useState } from 'react';
import { request } from '../../api/client';
import type { Fault, RuleCheck } from '../../api/types';

/** Has the server check the text whenever the typing pauses. */
export function useRuleCheck(source: string): { faults: Fault[] } {
  const [faults, setFaults] = useState<Fault[]>([]);
  useEffect(() => {
    if (!source.trim()) {
      setFaults([]);
      return;
    }
    const control = new AbortController();
    const timer = setTimeout(() => {
      request<RuleCheck>('POST', 'rules/check', { body: { source }, signal: control.signal })
        .then((answer) => setFaults(answer.faults))
        // Saving says it all again: a check that could not be made must not be in the way.
        .catch(() => undefined);
    }, 500);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [source]);
  return { faults };
}
