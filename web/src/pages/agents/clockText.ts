import type { TFunction } from 'i18next';
import { formatSeconds } from '../../format/numbers';

/** Less is on the way of every request. */
const LEAST_MS = 1000;
/** More makes alerts wrong by it. */
const WORRYING_MS = 30_000;

/** Says how far a clock is off, in words. */
export function clockText(skewMs: number, t: TFunction): string {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) < LEAST_MS) return t('agents.clock_right');
  return t(skewMs > 0 ? 'agents.clock_ahead' : 'agents.clock_behind', { time: formatSeconds(seconds) });
}

export const isWorrying = (skewMs: number) => Math.abs(skewMs) > WORRYING_MS;
