import { Alert } from 'antd';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { CloudAccountCheck } from '../../api/types';
import { Troubles } from './Troubles';

/** Who the credentials are of, what they open, and what does not work. */
export function CheckPanel({ check }: { check: CloudAccountCheck }) {
  const { t } = useTranslation();
  const isWhole = check.problems.length === 0;
  const panel = useRef<HTMLDivElement>(null);
  // It comes at the foot of a long form.
  useEffect(() => {
    panel.current?.scrollIntoView({ block: 'nearest' });
  }, [check]);
  return (
    <div className="stack" ref={panel} aria-live="polite">
      <Alert
        type={isWhole ? 'success' : 'warning'}
        showIcon
        title={t(isWhole ? 'clouds.test_ok' : 'clouds.test_partly', { count: check.problems.length })}
        description={
          <dl className="dl">
            <dt>{t('clouds.account')}</dt>
            <dd className="num">{check.account}</dd>
            <dt>{t('clouds.identity')}</dt>
            <dd className="mono">{check.identity}</dd>
            <dt>{t('clouds.regions')}</dt>
            <dd>
              <span className="labels">
                {check.regions.map((region) => (
                  <span key={region} className="label mono">{region}</span>
                ))}
              </span>
            </dd>
          </dl>
        }
      />
      <Troubles troubles={check.problems} />
    </div>
  );
}
