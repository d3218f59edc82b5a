import { Alert, Button, Card, Spin } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange, useResource } from '../../api/hooks';
import type { Account, RecoveryCodes, SecondFactor, TotpEnrolment as Enrolment } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { ShownOnce } from '../../components/ShownOnce';
import { OutcomeMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { useConfirm } from '../../components/useConfirm';
import { TotpEnrolment } from './TotpEnrolment';

const FEW = 3;

/** The second factor: off, being set up, or on with its recovery codes. */
export function TotpPanel() {
  const { t } = useTranslation();
  const account = useResource<Account>('me');
  const [codes, setCodes] = useState<string[]>();
  const start = useChange<Enrolment>();
  const status = account.data?.second_factor;
  return (
    <Card size="small" title={t('totp.title')}>
      <div className="stack">
        {codes ? (
          <>
            <ShownOnce text={codes.join('\n')} hint={t('totp.recovery_hint')} fileName="yunhai-recovery-codes.txt" />
            <Button type="primary" style={{ alignSelf: 'flex-start' }} onClick={() => setCodes(undefined)}>
              {t('totp.stored')}
            </Button>
          </>
        ) : account.error && !account.data ? (
          <ErrorPanel error={account.error} retry={() => void account.refetch()} />
        ) : !status ? (
          <Spin />
        ) : status.enabled ? (
          <Enabled status={status} onCodes={setCodes} />
        ) : start.data ? (
          <TotpEnrolment
            enrolment={start.data}
            onCodes={(made) => {
              start.reset();
              setCodes(made);
            }}
            onCancel={start.reset}
          />
        ) : (
          <>
            <p className="faint" style={{ margin: 0 }}>{t('totp.hint')}</p>
            <Button type="primary" style={{ alignSelf: 'flex-start' }} loading={start.isPending} onClick={() => start.mutate({ method: 'POST', path: 'me/totp' })}>
              {t('totp.start')}
            </Button>
            {start.error && <ErrorPanel error={start.error} />}
          </>
        )}
      </div>
    </Card>
  );
}

function Enabled({ status, onCodes }: { status: SecondFactor; onCodes: (codes: string[]) => void }) {
  const { t } = useTranslation();
  const confirm = useConfirm();
  const renew = useChange<RecoveryCodes>(['me']);
  const remove = useChange(['me', 'session']);
  const left = status.recovery_codes_left;
  const error = renew.error ?? remove.error;
  const askToRenew = () =>
    confirm({ title: t('totp.renew'), content: t('totp.renew_confirm'), okText: t('totp.renew') }, () =>
      renew.mutateAsync({ method: 'POST', path: 'me/totp/recovery-codes' }).then(({ recovery_codes }) => onCodes(recovery_codes)),
    );
  const askToRemove = () =>
    confirm({ title: t('totp.remove_confirm'), content: t('totp.remove_hint'), okText: t('totp.remove') }, () =>
      remove.mutateAsync({ method: 'DELETE', path: 'me/totp' }),
    );
  return (
    <>
      <div className="row-between">
        <OutcomeMark ok text={t('totp.on')} />
        {status.enabled_at_ms && (
          <span className="faint">
            {t('totp.since')} <TimeText ms={status.enabled_at_ms} />
          </span>
        )}
      </div>
      {left <= FEW ? (
        <Alert type="warning" showIcon title={t('totp.codes_left', { count: left })} description={t('totp.few_left')} />
      ) : (
        <span>{t('totp.codes_left', { count: left })}</span>
      )}
      <div className="row">
        <Button onClick={askToRenew}>{t('totp.renew')}</Button>
        <Button danger onClick={askToRemove}>
          {t('totp.remove')}
        </Button>
      </div>
      {error && <ErrorPanel error={error} />}
    </>
  );
}
