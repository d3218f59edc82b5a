import { SaveOutlined } from '@ant-design/icons';
import { Button, ConfigProvider } from 'antd';
import { useTranslation } from 'react-i18next';
import { useDocument } from '../../api/document';
import { useList } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Channel } from '../../api/types';
import { ChangedMeanwhile } from '../../components/ChangedMeanwhile';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { useNotice } from '../../components/useNotice';
import { RouteFields } from './RouteFields';
import { readRoute, type RouteNode, writeRoute } from './routeTree';
import { WhichRoute } from './WhichRoute';

/** The tree of routes: which alerts go to which channels, grouped and escalated how. */
export function RoutesEditor() {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayEdit = useMay('channels:write');
  const channels = useList<Channel>('channels', { page_size: 500, sort: 'name' });
  const routes = useDocument<unknown, RouteNode>({ path: 'routes', read: readRoute, write: writeRoute });
  const tree = routes.value;
  const error = routes.error ?? channels.error;
  // Once there is an answer, a later failure must not take away what was set.
  if (!tree || !channels.data) return error ? <ErrorPanel error={error} retry={routes.again} /> : <Loading />;
  return (
    <div className="stack" style={{ maxWidth: 900 }}>
      <p className="faint" style={{ margin: 0 }}>{t('routes.hint')}</p>
      {error && <ErrorPanel error={error} retry={routes.again} stale />}
      {routes.meanwhile?.kind === 'changed' && <ChangedMeanwhile onMine={routes.keepMine} onTheirs={routes.takeTheirs} />}
      <ConfigProvider componentDisabled={!mayEdit}>
        <RouteFields node={tree} channels={channels.data.items} onChange={routes.set} />
      </ConfigProvider>
      {routes.failure && <ErrorPanel error={routes.failure} />}
      {mayEdit && (
        <div>
          <Button type="primary" icon={<SaveOutlined />} loading={routes.isSaving} disabled={routes.meanwhile?.kind === 'changed'} onClick={() => routes.save(() => notice.done(t('routes.saved')))}>
            {t('common.save')}
          </Button>
        </div>
      )}
      <WhichRoute />
    </div>
  );
}
