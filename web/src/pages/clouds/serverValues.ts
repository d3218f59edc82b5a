// What can be done with a server of a cloud, and what the form of new ones sends.
import type { CloudAccount, CloudServer, CloudServerAction, CloudServerRequest } from '../../api/types';

export interface ServerValues {
  account: string;
  region: string;
  zone?: string;
  name: string;
  image: string;
  instance_type: string;
  count?: number | null;
  ssh_key?: string;
  subnet?: string;
  security_groups?: string[];
  user_data?: string;
  tags?: string[];
  disk_gib?: number | null;
  is_protected?: boolean;
}

/** What makes sense in the state that a server is in. */
export function actionsFor(state: CloudServer['state']): CloudServerAction[] {
  if (state === 'deleted' || state === 'deleting') return [];
  if (state === 'stopped' || state === 'stopped_billed') return ['start', 'delete'];
  if (state === 'running') return ['stop', 'restart', 'delete'];
  return ['delete'];
}

/** The regions that an account looks at: a server elsewhere would not be seen. */
export const regionsOf = (account: CloudAccount | undefined): string[] => (account?.access.regions?.length ? account.access.regions : (account?.regions ?? []));

export const isTag = (text: string): boolean => /^[^=\s][^=]*=/.test(text.trim());

const given = (text: string | undefined): string | null => text?.trim() || null;

export function toServerRequest(values: ServerValues): CloudServerRequest {
  const tags = (values.tags ?? []).map((tag) => {
    const at = tag.indexOf('=');
    return [tag.slice(0, at).trim(), tag.slice(at + 1).trim()];
  });
  return {
    name: values.name.trim(),
    region: values.region,
    zone: given(values.zone),
    image: values.image.trim(),
    instance_type: values.instance_type.trim(),
    ssh_key: given(values.ssh_key),
    subnet: given(values.subnet),
    security_groups: (values.security_groups ?? []).map((group) => group.trim()).filter(Boolean),
    user_data: values.user_data?.trim() ? values.user_data : null,
    tags: Object.fromEntries(tags),
    count: values.count ?? 1,
    disk_gib: values.disk_gib ?? null,
    is_protected: values.is_protected ?? false,
  };
}

/** The price of a month of 730 hours. */
export const monthly = (usdPerHour: number): number => usdPerHour * 730;
