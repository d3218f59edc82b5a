import { useMemo } from 'react';
import { useList } from '../../api/hooks';
import type { AlertRow, RuleGroup } from '../../api/types';
import { type Unit, unitOfExpression } from '../../format/numbers';

/** The units of the values of alerts: a list of alerts does not have their expressions, the rules do. */
export function useRuleUnits(): (alert: AlertRow) => Unit {
  const groups = useList<RuleGroup>('rule-groups', { page_size: 500 });
  const units = useMemo(
    () => new Map((groups.data?.items ?? []).flatMap(({ name, rules }) => rules.map((rule) => [`${name}\n${rule.id}`, unitOfExpression(rule.expr)]))),
    [groups.data],
  );
  return ({ group, rule }) => units.get(`${group}\n${rule}`) ?? 'count';
}
