import { useTranslation } from 'react-i18next';
import type { Unit } from '../format/numbers';

/**
 * The name of a metric for people: in the reader's language where it is one of ours, otherwise as
 * the one who sends it calls it.
 */
export function useMetricTitle(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => (i18n.exists(`metric_title.${name}`) ? t(`metric_title.${name}`) : name);
}

const KEYS: Partial<Record<Unit, string>> = { 'bytes/s': 'bytes_per_second', count: '' };

/** The unit in words; empty for plain numbers. */
export function useUnitName(): (unit: Unit) => string {
  const { t } = useTranslation();
  return (unit) => {
    const key = KEYS[unit] ?? unit;
    return key ? t(`unit.${key}`) : '';
  };
}
