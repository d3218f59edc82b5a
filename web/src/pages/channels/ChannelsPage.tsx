import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { PageHeader } from '../../components/PageHeader';
import { ChannelList } from './ChannelList';
import { NotificationLog } from './NotificationLog';
import { RoutesEditor } from './RoutesEditor';

/** Where notifications go, which ones go where, and what became of them. */
export default function ChannelsPage() {
  const { t } = useTranslation();
  const [parameters, setParameters] = useSearchParams();
  return (
    <>
      <PageHeader title={t('channels.title')} hint={t('channels.hint')} />
      <Tabs
        activeKey={parameters.get('tab') ?? 'channels'}
        onChange={(tab) => setParameters({ tab })}
        destroyOnHidden
        items={[
          { key: 'channels', label: t('channels.tab'), children: <ChannelList /> },
          { key: 'routes', label: t('routes.tab'), children: <RoutesEditor /> },
          { key: 'log', label: t('notifications.tab'), children: <NotificationLog /> },
        ]}
      />
    </>
  );
}
