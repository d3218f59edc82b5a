import { useResource } from '../../api/hooks';
import type { ServerDetail } from '../../api/types';

const DEFAULT_SECS = 300;

/** How often a server's measurements come, in seconds; it sets the window of rates. */
export function useCollectInterval(server: string): number {
  const detail = useResource<ServerDetail>(`servers/${encodeURIComponent(server)}`);
  return detail.data?.interval_secs ?? DEFAULT_SECS;
}
