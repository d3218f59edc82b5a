import { CheckCircleFilled } from '@ant-design/icons';
import { Button, Card, theme } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { setPreferences, usePreferences } from '../../app/preferences';
import { useList, useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Channel } from '../../api/types';
import { AddServerDialog } from '../servers/AddServerDialog';
import { type Step, STEPS, stepsDone } from './firstSteps';

/**
 * What to do on a new installation; each step is ticked off by what is there, and the card goes when
 * all are. Whoever watches one machine only can put the last step away.
 */
export function FirstSteps({ servers }: { servers: number }) {
  const mayEdit = useMay('channels:write');
  const { lastStepHidden } = usePreferences();
  const channels = useList<Channel>('channels', { page_size: 500 }, { enabled: mayEdit });
  const routes = useResource<unknown>('routes', undefined, { enabled: mayEdit });
  if (!mayEdit || !channels.data || routes.data === undefined) return null;
  const done = stepsDone(channels.data.items, routes.data, servers);
  const isTold = (['channel', 'test', 'route'] as const).every((step) => done.has(step));
  if (isTold && (done.has('server') || lastStepHidden)) return null;
  return <Steps done={done} isTold={isTold} />;
}

function Steps({ done, isTold }: { done: Set<Step>; isTold: boolean }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const mayAdd = useMay('agents:write');
  const [adding, setAdding] = useState(false);
  const actions: Record<Step, ReactNode> = {
    channel: <Go to="/channels?tab=channels">{t('first_steps.go.channel')}</Go>,
    test: done.has('channel') && <Go to="/channels?tab=channels">{t('first_steps.go.test')}</Go>,
    route: done.has('channel') && <Go to="/channels?tab=routes">{t('first_steps.go.route')}</Go>,
    server: mayAdd && (
      <button type="button" className="link plain" onClick={() => setAdding(true)}>
        {t('first_steps.go.server')}
      </button>
    ),
  };
  return (
    <Card
      size="small"
      title={t(isTold ? 'first_steps.last_title' : done.has('route') ? 'first_steps.test_title' : 'first_steps.title')}
      extra={
        isTold && (
          <Button type="text" size="small" onClick={() => setPreferences({ lastStepHidden: true })}>
            {t('first_steps.hide')}
          </Button>
        )
      }
    >
      {!done.has('route') && <p style={{ margin: '0 0 10px' }}>{t('first_steps.hint')}</p>}
      <ol className="steps">
        {STEPS.map((step, index) => (
          <li key={step}>
            {done.has(step) ? (
              <CheckCircleFilled aria-label={t('first_steps.done')} style={{ color: token.colorSuccess, fontSize: 20 }} />
            ) : (
              <span className="step-number">{index + 1}</span>
            )}
            <div style={{ minWidth: 0 }}>
              <strong style={{ fontWeight: done.has(step) ? 400 : 600 }}>{t(`first_steps.step.${step}`)}</strong>
              {!done.has(step) && <div className="faint">{t(`first_steps.why.${step}`)}</div>}
            </div>
            {!done.has(step) && actions[step]}
          </li>
        ))}
      </ol>
      {adding && <AddServerDialog onClose={() => setAdding(false)} />}
    </Card>
  );
}

function Go({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link className="link" to={to}>
      {children}
    </Link>
  );
}
