import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { PageHeader } from '../../components/PageHeader';
import { InhibitionList } from './InhibitionList';
import { SilenceList } from './SilenceList';
import { WindowList } from './WindowList';

/** When alerts do not notify: once, again and again, or while another one fires. */
export default function SilencesPage() {
  const { t } = useTranslation();
  const [parameters, setParameters] = useSearchParams();
  return (
    <>
      <PageHeader title={t('silences.title')} hint={t('silences.hint')} />
      <Tabs
        activeKey={parameters.get('tab') ?? 'silences'}
        onChange={(tab) => setParameters({ tab })}
        destroyOnHidden
        items={[
          { key: 'silences', label: t('silences.tab'), children: <SilenceList /> },
          { key: 'windows', label: t('windows.tab'), children: <WindowList /> },
          { key: 'inhibitions', label: t('inhibitions.tab'), children: <InhibitionList /> },
        ]}
      />
    </>
  );
}
