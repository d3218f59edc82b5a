import { useTranslation } from 'react-i18next';

interface Advice {
  code?: string | null;
  limit?: number | null;
  detail: string;
}

/** Text for what is said about a password: by its code, otherwise as the server wrote it. */
export function useAdviceText(): (advice: Advice) => string {
  const { t, i18n } = useTranslation();
  return ({ code, limit, detail }) =>
    code && i18n.exists(`password.weak.${code}`) ? t(`password.weak.${code}`, { count: limit ?? undefined }) : detail;
}
