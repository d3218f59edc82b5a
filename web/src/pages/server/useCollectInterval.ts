import { useResource } from '../../api/hooks';
import type { Settings } from '../../api/types';

const DEFAULT_SECS = 300;

/** How often servers are measured, in seconds; it sets the window of rates. */
export function useCollectInterval(): number {
  const settings = useResource<Settings>('settings');
  return settings.data?.collect_interval_secs ?? DEFAULT_SECS;
}
