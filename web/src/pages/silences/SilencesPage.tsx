import { useTranslation } from 'react-i18next';
import { TabbedPage } from '../../components/TabbedPage';
import { InhibitionList } from './InhibitionList';
import { SilenceList } from './SilenceList';
import { WindowList } from './WindowList';

/** When alerts do not notify: once, again and again, or while another one fires. */
export default function SilencesPage() {
  const { t } = useTranslation();
  return (
    <TabbedPage
      title={t('silences.title')}
      hint={t('silences.hint')}
      tabs={[
        { key: 'silences', label: t('silences.tab'), children: <SilenceList /> },
        { key: 'windows', label: t('windows.tab'), children: <WindowList /> },
        { key: 'inhibitions', label: t('inhibitions.tab'), children: <InhibitionList /> },
      ]}
    />
  );
}
