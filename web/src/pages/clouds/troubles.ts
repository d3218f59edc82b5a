// What could not be had of an account, put together so that one cause is told once.
import type { CloudAccount, CloudServer, CloudTrouble } from '../../api/types';

export interface Cause extends CloudTrouble {
  /** Where it stands in the way: regions, or the account's name for all of it. */
  scopes: string[];
}

/** What is missing: of the last round, or before the first one what did not work when access was tried. */
export function troublesOf({ last_round, problems }: Pick<CloudAccount, 'last_round' | 'problems'>): CloudTrouble[] {
  return last_round ? last_round.missing : problems;
}

/**
 * The same trouble in several regions is one cause: its words differ in the region alone. Trouble with
 * the whole account has its name as the scope, which says nothing where the account is shown.
 */
export function causesOf(troubles: CloudTrouble[], account?: string): Cause[] {
  const causes = new Map<string, Cause>();
  for (const trouble of troubles) {
    const scope = trouble.scope ?? '';
    // What was attempted; what follows it can have the number of the request in it.
    const attempted = trouble.message.split(': ')[0].replaceAll(scope || '\0', '');
    const key = JSON.stringify([trouble.kind, trouble.code, attempted]);
    const cause = causes.get(key) ?? { ...trouble, scopes: [] };
    if (scope && scope !== account && !cause.scopes.includes(scope)) cause.scopes.push(scope);
    causes.set(key, cause);
  }
  return [...causes.values()];
}

/** Whether a server of a cloud is among those that are watched: it is on, and its account is asked about it. */
export function isWatched({ state, account: name }: Pick<CloudServer, 'state' | 'account'>, accounts: CloudAccount[] = []): boolean {
  const account = accounts.find((candidate) => candidate.name === name);
  const isAsked = account === undefined || (account.enabled && !account.last_round?.is_over_budget);
  return isAsked && !['stopped', 'stopped_billed', 'deleting', 'deleted'].includes(state);
}

/** An identity of AWS without the number of the account, which stands beside it: `user/yunhai`. */
export const shortIdentity = (identity: string): string => (identity.startsWith('arn:') ? (identity.split(':').at(-1) ?? identity) : identity);

/** How much of the budget is spent; all of it where there is nothing to spend. */
export function shareOfBudget({ month_cost_usd, monthly_budget_usd }: Pick<CloudAccount, 'month_cost_usd' | 'monthly_budget_usd'>): number | undefined {
  if (monthly_budget_usd === null || monthly_budget_usd === undefined) return undefined;
  return monthly_budget_usd > 0 ? month_cost_usd / monthly_budget_usd : 1;
}
