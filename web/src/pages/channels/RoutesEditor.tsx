import { SaveOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange, useList, useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Channel } from '../../api/types';
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
  const routes = useResource<unknown>('routes');
  const channels = useList<Channel>('channels', { page_size: 500, sort: 'name' });
  const change = useChange();
  const [tree, setTree] = useState<RouteNode>();
  useEffect(() => {
    if (routes.data !== undefined) setTree(readRoute(routes.data));
  }, [routes.data]);
  const error = routes.error ?? channels.error;
  if (error) return <ErrorPanel error={error} retry={() => void routes.refetch()} />;
  if (!tree || !channels.data) return <Loading />;
  const save = () =>
    change.mutate({ method: 'PUT', path: 'routes', body: writeRoute(tree) }, { onSuccess: () => notice.done(t('routes.saved')) });
  return (
    <div className="stack" style={{ maxWidth: 900 }}>
      <p className="faint" style={{ margin: 0 }}>{t('routes.hint')}</p>
      <fieldset disabled={!mayEdit} style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}>
        <RouteFields node={tree} channels={channels.data.items} onChange={setTree} />
      </fieldset>
      {change.error && <ErrorPanel error={change.error} />}
      {mayEdit && (
        <div>
          <Button type="primary" icon={<SaveOutlined />} loading={change.isPending} onClick={save}>
            {t('common.save')}
          </Button>
        </div>
      )}
      <WhichRoute />
    </div>
  );
}
