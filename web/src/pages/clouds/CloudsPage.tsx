import { useTranslation } from 'react-i18next';
import { TabbedPage } from '../../components/TabbedPage';
import { AccountList } from './AccountList';
import { CloudServerList } from './CloudServerList';
import { OrderList } from './OrderList';

/** Accounts with clouds, and the servers in them. */
export default function CloudsPage() {
  const { t } = useTranslation();
  return (
    <TabbedPage
      title={t('clouds.title')}
      hint={t('clouds.hint')}
      tabs={[
        { key: 'accounts', label: t('clouds.tab'), children: <AccountList /> },
        { key: 'servers', label: t('cloud_servers.tab'), children: <CloudServerList /> },
        { key: 'orders', label: t('cloud_orders.tab'), children: <OrderList /> },
      ]}
    />
  );
}
