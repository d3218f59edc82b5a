import { useList } from '../../api/hooks';
import type { CloudServer } from '../../api/types';
import { ServerActions, useOrdersUnderWay } from '../clouds/ServerActions';

/** What can be done with a server that stands in a cloud; nothing for others. */
export function CloudActions({ name }: { name: string }) {
  const found = useList<CloudServer>('cloud-servers', { q: name, page_size: 500 });
  const server = found.data?.items.find(({ server: label }) => label === name);
  const underWay = useOrdersUnderWay(server !== undefined);
  return server ? <ServerActions server={server} underWay={underWay.get(name)} /> : null;
}
