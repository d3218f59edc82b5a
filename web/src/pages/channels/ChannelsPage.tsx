import { useTranslation } from 'react-i18next';
import { TabbedPage } from '../../components/TabbedPage';
import { ChannelList } from './ChannelList';
import { NotificationLog } from './NotificationLog';
import { RoutesEditor } from './RoutesEditor';

/** Where notifications go, which ones go where, and what became of them. */
export default function ChannelsPage() {
  const { t } = useTranslation();
  return (
    <TabbedPage
      title={t('channels.title')}
      hint={t('channels.hint')}
      tabs={[
        { key: 'channels', label: t('channels.tab'), children: <ChannelList /> },
        { key: 'routes', label: t('routes.tab'), children: <RoutesEditor /> },
        { key: 'log', label: t('notifications.tab'), children: <NotificationLog /> },
      ]}
    />
  );
}
