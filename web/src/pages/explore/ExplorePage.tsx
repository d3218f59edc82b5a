import { PlayCircleOutlined } from '@ant-design/icons';
import { Button, Card, Tabs } from 'antd';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../../components/CopyButton';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { RangePicker } from '../../components/RangePicker';
import { useParameter } from '../../components/useParameter';
import { useTimeRange } from '../../components/useTimeRange';
import { Examples } from './Examples';
import { GraphResult } from './GraphResult';
import { rememberQuery } from './recentQueries';
import { TableResult } from './TableResult';
import type { Fault } from '../../api/types';

const PromqlEditor = lazy(() => import('../../components/PromqlEditor'));

/** Asks the store anything in PromQL; the question stands in the address. */
export default function ExplorePage() {
  const { t } = useTranslation();
  const { parameters, set } = useParameter();
  const asked = parameters.get('expr') ?? '';
  const tab = parameters.get('tab') ?? 'graph';
  const [text, setText] = useState(asked);
  const [fault, setFault] = useState<Fault>();
  const time = useTimeRange('1h');
  useEffect(() => setText(asked), [asked]);

  const ask = (expr: string) => {
    setFault(undefined);
    if (expr.trim() === asked) time.refresh();
    else set('expr', expr.trim(), { push: true });
    if (expr.trim()) rememberQuery(expr.trim());
  };
  const faults = useMemo(() => (fault ? [fault] : []), [fault]);

  return (
    <>
      <PageHeader title={t('explore.title')} hint={t('explore.hint')} extra={asked && <CopyButton text={window.location.href} title={t('explore.copy_link')} />} />
      <div className="stack">
        <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) auto', gap: 8 }}>
          <Suspense fallback={<Loading height={36} />}>
            <PromqlEditor value={text} onChange={setText} onSubmit={() => ask(text)} faults={faults} />
          </Suspense>
          <Button type="primary" icon={<PlayCircleOutlined />} style={{ height: 36 }} onClick={() => ask(text)}>
            {t('explore.run')}
          </Button>
        </div>
        {!asked && <Examples onChoose={ask} />}
        {asked && (
          <Card size="small" styles={{ body: { paddingTop: 4 } }}>
            <Tabs
              activeKey={tab}
              onChange={(key) => set('tab', key)}
              destroyOnHidden
              items={[
                {
                  key: 'graph',
                  label: t('explore.graph'),
                  children: (
                    <div className="stack">
                      <RangePicker {...time} />
                      <GraphResult expr={asked} range={time.range} onZoom={time.setCustom} onFault={setFault} />
                    </div>
                  ),
                },
                { key: 'table', label: t('explore.table'), children: <TableResult expr={asked} onFault={setFault} /> },
              ]}
            />
          </Card>
        )}
      </div>
    </>
  );
}
