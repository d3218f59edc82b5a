import type { CloudProvider } from '../../api/types';

/** What is counted of each running server in a round, and what a thousand of it cost, in US dollars. */
const PRICES: Record<CloudProvider, { counted: number; usd_per_thousand: number }> = {
  // Metrics that are asked for.
  aws: { counted: 6, usd_per_thousand: 0.01 },
  // Metrics that are asked for, each taken for a call, as nobody says how many are one.
  azure: { counted: 8, usd_per_thousand: 0.01 },
  // Series that are returned, with one disk.
  gcp: { counted: 7, usd_per_thousand: 0.0005 },
};
const MONTH_SECS = 30 * 86_400;

/** About what one running server costs in a month, in US dollars. */
export function monthlyCostOfServer(provider: CloudProvider, interval_secs: number): number {
  const { counted, usd_per_thousand } = PRICES[provider];
  return ((MONTH_SECS / interval_secs) * counted * usd_per_thousand) / 1000;
}
