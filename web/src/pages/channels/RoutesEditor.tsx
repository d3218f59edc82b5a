import { SaveOutlined } from '@ant-design/icons';
import { Button, Spin } from 'antd';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange, useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Fault } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { useNotice } from '../../components/useNotice';
import { jsonFault } from './jsonFault';

const YamlEditor = lazy(() => import('../../components/YamlEditor'));

/** The tree of routes: which alerts go to which channels, grouped and escalated how. */
export function RoutesEditor() {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayEdit = useMay('channels:write');
  const routes = useResource<unknown>('routes');
  const change = useChange();
  const [text, setText] = useState('');
  useEffect(() => {
    if (routes.data !== undefined) setText(JSON.stringify(routes.data, null, 2));
  }, [routes.data]);
  const faults = useMemo<Fault[]>(() => {
    const fault = text ? jsonFault(text) : undefined;
    return fault ? [fault] : [];
  }, [text]);
  const save = () => {
    if (faults.length > 0) return;
    change.mutate({ method: 'PUT', path: 'routes', body: JSON.parse(text) }, { onSuccess: () => notice.done(t('routes.saved')) });
  };
  if (routes.error) return <ErrorPanel error={routes.error} retry={() => void routes.refetch()} />;
  return (
    <div className="stack">
      <p className="faint" style={{ margin: 0 }}>{t('routes.hint')}</p>
      <Suspense fallback={<Spin />}>
        <YamlEditor value={text} onChange={setText} label={t('routes.tab')} faults={faults} readOnly={!mayEdit} onSubmit={save} />
      </Suspense>
      {faults.map((fault) => (
        <span key={fault.detail} role="alert" className="mono">
          {t('common.line_column', { line: fault.line ?? 1, column: fault.column ?? 1 })} {fault.detail}
        </span>
      ))}
      {change.error && <ErrorPanel error={change.error} />}
      {mayEdit && (
        <div>
          <Button type="primary" icon={<SaveOutlined />} loading={change.isPending} disabled={faults.length > 0} onClick={save}>
            {t('common.save')}
          </Button>
        </div>
      )}
    </div>
  );
}
