// The files that Google gives out: whom they are of, and what is wrong with them.

/** What the `type` of a file has to be, and what else has to be in it. */
const KINDS = {
  service_account: ['client_email', 'private_key_id', 'private_key', 'project_id'],
  external_account: ['audience', 'subject_token_type', 'token_url'],
} as const;

export type DocumentType = keyof typeof KINDS;

export type GcpDocument =
  | { fault: 'no_json' }
  | { fault: 'other_type'; found: string }
  | { fault: 'incomplete'; missing: string }
  | { fault?: undefined; identity: string; project?: string };

/** Reads a file that has to be of a type. */
export function readDocument(text: string, type: DocumentType): GcpDocument {
  const fields = parsed(text);
  if (!fields) return { fault: 'no_json' };
  const of = (name: string) => (typeof fields[name] === 'string' ? fields[name].trim() : '');
  if (of('type') !== type) return { fault: 'other_type', found: of('type') || '–' };
  const missing = KINDS[type].filter((name) => !of(name));
  if (missing.length > 0) return { fault: 'incomplete', missing: missing.join(', ') };
  // `https://…/serviceAccounts/yunhai@my-project.iam.gserviceaccount.com:generateAccessToken`
  const impersonated = of('service_account_impersonation_url').split('/').at(-1)?.split(':')[0];
  return { identity: of('client_email') || impersonated || of('audience'), project: of('project_id') || undefined };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
