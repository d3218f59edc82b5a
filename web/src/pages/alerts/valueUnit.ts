import type { AlertRow } from '../../api/types';
import { type Unit, unitOfExpression, unitOfMetric } from '../../format/numbers';

/** The unit of an alert's value, from its expression or its metric's name where they are known. */
export function valueUnit(alert: AlertRow & { expr?: string | null }): Unit {
  if (alert.expr) return unitOfExpression(alert.expr);
  return alert.labels.__name__ ? unitOfMetric(alert.labels.__name__) : 'count';
}
