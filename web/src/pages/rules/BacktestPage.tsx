import { Button, Card, InputNumber, Select } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { PRESETS } from '../../components/useTimeRange';
import { BacktestResult } from './BacktestResult';

const PromqlEditor = lazy(() => import('../../components/PromqlEditor'));

/** When a rule would have fired, over the data that is stored. */
export default function BacktestPage() {
  const { t } = useTranslation();
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.get('expr') ?? '';
  const [expr, setExpr] = useState(asked);
  const [minutes, setMinutes] = useState(Number(parameters.get('for') ?? 0) / 60);
  const range = parameters.get('range') ?? '24h';
  const run = () => setParameters({ expr: expr.trim(), for: String(Math.round(minutes * 60)), range });
  return (
    <>
      <PageHeader
        title={t('backtest.title')}
        hint={
          <>
            <Link className="link" to="/rules">
              {t('rules.back')}
            </Link>{' '}
            · {t('backtest.hint')}
          </>
        }
      />
      <div className="stack">
        <Suspense fallback={<Loading height={36} />}>
          <PromqlEditor value={expr} onChange={setExpr} onSubmit={run} />
        </Suspense>
        <div className="row">
          <span>{t('rules.for')}</span>
          <InputNumber min={0} value={minutes} onChange={(value) => setMinutes(value ?? 0)} suffix={t('rule_form.minutes')} style={{ width: 130 }} aria-label={t('rules.for')} />
          <Select
            aria-label={t('range.label')}
            value={range}
            style={{ width: 130 }}
            options={PRESETS.map((value) => ({ value, label: t(`range.${value}`) }))}
            onChange={(value) => setParameters({ expr: expr.trim(), for: String(Math.round(minutes * 60)), range: value })}
          />
          <Button type="primary" onClick={run} disabled={!expr.trim()}>
            {t('backtest.run')}
          </Button>
        </div>
        {asked && (
          <Card size="small">
            <BacktestResult expr={asked} for_secs={Number(parameters.get('for') ?? 0)} range={range} />
          </Card>
        )}
      </div>
    </>
  );
}
