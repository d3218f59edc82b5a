import { useTranslation } from 'react-i18next';
import type { CloudTrouble } from '../../api/types';

/** Text for what a cloud refuses or fails to do: the kind and the next step in the reader's language. */
export function useTroubleText(): (trouble: Pick<CloudTrouble, 'kind' | 'hint'>) => { title: string; hint?: string } {
  const { t, i18n } = useTranslation();
  return ({ kind, hint }) => ({
    title: i18n.exists(`clouds.trouble.${kind}.title`) ? t(`clouds.trouble.${kind}.title`) : kind,
    hint: i18n.exists(`clouds.trouble.${kind}.hint`) ? t(`clouds.trouble.${kind}.hint`) : (hint ?? undefined),
  });
}
