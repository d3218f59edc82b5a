// Texts of the interface. A language is loaded when it is chosen, together with Ant Design's own.
import type { Locale } from 'antd/es/locale';
import dayjs from 'dayjs';
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Language } from '../api/types';

const SOURCES: Record<Language, () => Promise<[{ default: object }, { default: Locale }, unknown]>> = {
  en: () => Promise.all([import('../locales/en.json'), import('antd/es/locale/en_US'), import('dayjs/locale/en')]),
  'zh-CN': () =>
    Promise.all([import('../locales/zh-CN.json'), import('antd/es/locale/zh_CN'), import('dayjs/locale/zh-cn')]),
};

let prepared: Promise<unknown> | undefined;

/** Makes a language current and returns Ant Design's texts for it. */
export async function loadLanguage(language: Language): Promise<Locale> {
  prepared ??= i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: {},
    interpolation: { escapeValue: false },
    returnNull: false,
    // Brackets that stand in no text of ours: the pictures are searched for them.
    parseMissingKeyHandler: (key) => `⟦${key}⟧`,
  });
  const [[texts, components]] = await Promise.all([SOURCES[language](), prepared]);
  i18next.addResourceBundle(language, 'translation', texts.default, true, true);
  await i18next.changeLanguage(language);
  dayjs.locale(language === 'zh-CN' ? 'zh-cn' : 'en');
  document.documentElement.lang = language;
  return components.default;
}
