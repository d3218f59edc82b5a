import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { chooseStep } from '../format/promql';
import { parseDuration } from '../format/time';

export const PRESETS = ['15m', '1h', '6h', '24h', '7d', '30d', '90d'];

export interface TimeRange {
  from_ms: number;
  to_ms: number;
  step_secs: number;
  /** The preset, when the range ends now and moves on. */
  preset?: string;
}

/**
 * The range of time shown, kept in the address: `range=6h`, or `from` and `to` in milliseconds;
 * `follow=no` holds a range still that would end now. Each choice is a step that "back" undoes.
 */
export function useTimeRange(initial = '6h') {
  const [parameters, setParameters] = useSearchParams();
  const from = Number(parameters.get('from'));
  const to = Number(parameters.get('to'));
  const custom = from > 0 && to > from;
  const preset = custom ? undefined : (parameters.get('range') ?? initial);
  const length = parseDuration(preset ?? '') ?? 6 * 3_600_000;
  const following = !custom && parameters.get('follow') !== 'no';
  const client = useQueryClient();
  const [now, setNow] = useState(() => Date.now());

  // A range that ends now moves on, not oftener than its charts could show.
  useEffect(() => {
    if (!following) return;
    const pause = Math.min(300_000, Math.max(15_000, length / 240));
    const timer = setInterval(() => setNow(Date.now()), pause);
    return () => clearInterval(timer);
  }, [following, length]);

  const range = useMemo<TimeRange>(() => {
    const start = custom ? from : now - length;
    const end = custom ? to : now;
    const step_secs = chooseStep(start, end);
    const round = (time: number) => Math.floor(time / (step_secs * 1000)) * step_secs * 1000;
    return { from_ms: round(start), to_ms: custom ? Math.ceil(end) : round(end) + step_secs * 1000, step_secs, preset };
  }, [custom, from, to, now, length, preset]);

  const change = (next: Record<string, string | undefined>, forget: string[]) =>
    setParameters(
      (old) => {
        const result = new URLSearchParams(old);
        for (const name of forget) result.delete(name);
        for (const [name, value] of Object.entries(next)) if (value) result.set(name, value);
        return result;
      },
      { replace: false },
    );
  return {
    range,
    following,
    setFollowing: (on: boolean) => {
      setNow(Date.now());
      change(on ? {} : { follow: 'no' }, ['follow']);
    },
    setPreset: (chosen: string) => {
      setNow(Date.now());
      change({ range: chosen }, ['from', 'to']);
    },
    setCustom: (from_ms: number, to_ms: number) =>
      change({ from: String(Math.round(from_ms)), to: String(Math.round(to_ms)) }, ['range']),
    refresh: () => {
      setNow(Date.now());
      void client.invalidateQueries({ queryKey: ['series'] });
    },
  };
}
