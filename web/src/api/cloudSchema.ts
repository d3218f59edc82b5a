// Stands in for the part of `schema.d.ts` about clouds until `npm run generate` writes it: it says what
// crates/api-types/src/cloud.rs says. Then this file goes, and `types.ts` takes them from `Schemas`.

export interface CloudSchemas {
  AwsCredentials:
    | { kind: 'keys'; access_key_id: string; secret_access_key?: string | null; session_token?: string | null }
    | { kind: 'profile'; name: string }
    | { kind: 'instance_role' };
  AwsRole: { arn: string; external_id?: string | null };
  CloudAccess: {
    provider: 'aws';
    credentials: CloudSchemas['AwsCredentials'];
    role?: CloudSchemas['AwsRole'] | null;
    regions?: string[];
    endpoint?: string | null;
  };
  CloudAccountRequest: {
    name: string;
    access?: CloudSchemas['CloudAccess'] | null;
    interval_secs?: number;
    monthly_budget_usd?: number | null;
    enabled?: boolean;
  };
  CloudAccountTestRequest: { access: CloudSchemas['CloudAccess']; id?: string | null };
  CloudTrouble: { scope?: string | null; kind: string; message: string; code?: string | null; hint?: string | null };
  CloudAccountCheck: { identity: string; account: string; regions: string[]; problems: CloudSchemas['CloudTrouble'][] };
  CloudAccountState: 'failing' | 'incomplete' | 'over_budget' | 'ok' | 'pending' | 'paused';
  CloudRound: {
    at_ms: number;
    took_ms: number;
    servers: number;
    samples: number;
    calls: number;
    cost_usd: number;
    is_over_budget: boolean;
    missing: CloudSchemas['CloudTrouble'][];
  };
  CloudAccount: {
    id: string;
    name: string;
    provider: string;
    access: CloudSchemas['CloudAccess'];
    interval_secs: number;
    monthly_budget_usd?: number | null;
    month_cost_usd: number;
    enabled: boolean;
    state: CloudSchemas['CloudAccountState'];
    identity?: string | null;
    account?: string | null;
    regions: string[];
    problems: CloudSchemas['CloudTrouble'][];
    last_round?: CloudSchemas['CloudRound'] | null;
    created_at_ms: number;
    version: string;
  };
  CloudPolicyScope: 'watch' | 'manage';
  CloudPolicy: { kind: string; document: string; command: string };
  CloudServer: {
    server: string;
    name: string;
    provider: string;
    account: string;
    id: string;
    state: string;
    instance_type: string;
    region: string;
    zone?: string | null;
    private_addresses: string[];
    public_addresses: string[];
    image?: string | null;
    launched_at_ms?: number | null;
    tags: Record<string, string>;
    first_seen_ms: number;
    last_seen_ms: number;
    gone_at_ms?: number | null;
  };
  CloudServerRequest: {
    name: string;
    region: string;
    zone?: string | null;
    image: string;
    instance_type: string;
    ssh_key?: string | null;
    subnet?: string | null;
    security_groups?: string[];
    user_data?: string | null;
    tags?: Record<string, string>;
    count?: number;
    disk_gib?: number | null;
    is_protected?: boolean;
  };
  CloudFinding: { is_fatal: boolean; text: string };
  CloudServerCheck: { would_succeed: boolean; usd_per_hour?: number | null; findings: CloudSchemas['CloudFinding'][] };
  CloudServerAction: 'start' | 'stop' | 'restart' | 'delete';
  CloudServerActionRequest: { action: CloudSchemas['CloudServerAction']; confirmation?: string | null };
  CloudOrderState: 'waiting' | 'running' | 'done' | 'failed' | 'given_up';
  CloudOrder: {
    id: string;
    action: 'create' | CloudSchemas['CloudServerAction'];
    server: string;
    account: string;
    provider: string;
    region: string;
    state: CloudSchemas['CloudOrderState'];
    total: number;
    done: number;
    progress?: string | null;
    problem?: CloudSchemas['CloudTrouble'] | null;
    is_outcome_unknown: boolean;
    server_ids: string[];
    attempts: number;
    ordered_by: string;
    placed_at_ms: number;
    sent_at_ms?: number | null;
    ended_at_ms?: number | null;
  };
}
