import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client';
import { formatSeconds } from '../format/numbers';

/**
 * Text for an error: codes that the interface knows in its own language, otherwise the server's
 * detail and hint as they came.
 */
export function useErrorText(): (error: unknown) => { title: string; hint?: string } {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof ApiError)) return { title: error instanceof Error ? error.message : String(error) };
    const known = i18n.exists(`errors.${error.code}.title`);
    if (!known) return { title: error.message, hint: error.hint };
    const key = error.retryAfterSecs !== undefined && i18n.exists(`errors.${error.code}.wait`) ? 'wait' : 'hint';
    const hint = i18n.exists(`errors.${error.code}.${key}`)
      ? t(`errors.${error.code}.${key}`, { time: formatSeconds(error.retryAfterSecs ?? 0) })
      : error.hint;
    return { title: t(`errors.${error.code}.title`), hint };
  };
}
