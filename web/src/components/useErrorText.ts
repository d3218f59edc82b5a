import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client';
import { formatSeconds } from '../format/numbers';

/** A proxy says in its own words that the server does not answer. */
const FROM_A_PROXY = /^http_50[234]$/;

/**
 * Text for an error: codes that the interface knows in its own language, otherwise the server's
 * detail and hint as they came.
 */
export function useErrorText(): (error: unknown) => { title: string; hint?: string } {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof ApiError)) return { title: error instanceof Error ? error.message : String(error) };
    const code = FROM_A_PROXY.test(error.code) ? 'unreachable' : error.code;
    if (!i18n.exists(`errors.${code}.title`)) return { title: error.message, hint: error.hint };
    const key = error.retryAfterSecs !== undefined && i18n.exists(`errors.${code}.wait`) ? 'wait' : 'hint';
    const hint = i18n.exists(`errors.${code}.${key}`)
      ? t(`errors.${code}.${key}`, {
          time: formatSeconds(error.retryAfterSecs ?? 0),
          detail: error.message,
        })
      : error.hint;
    return { title: t(`errors.${code}.title`), hint };
  };
}
