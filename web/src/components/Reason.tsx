import { useTranslation } from 'react-i18next';
import type { Unit } from '../format/numbers';
import { readable, readReason } from '../format/readable';

/** Why something has its state, in the reader's language, zone and units. */
export function Reason({ text, unit }: { text: string; unit: Unit }) {
  const { t, i18n } = useTranslation();
  const reason = readReason(text, unit, i18n.language);
  if (!reason) return <>{readable(text, i18n.language)}</>;
  return <>{reason.parts.map(({ key, values }) => t(`why.because.${key}`, values)).join(t('why.separator'))}</>;
}
