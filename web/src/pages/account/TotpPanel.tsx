import { Button, Card, Form, Input, Popconfirm, QRCode } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useSession } from '../../api/session';
import type { TotpEnrolment } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { ShownOnce } from '../../components/ShownOnce';
import { OutcomeMark } from '../../components/StateMarks';

/** The second factor: the QR code is drawn here, nothing of it leaves the browser. */
export function TotpPanel() {
  const { t } = useTranslation();
  const { data: session } = useSession();
  const start = useChange<TotpEnrolment>();
  const confirm = useChange<{ recovery_codes: string[] }>(['session']);
  const remove = useChange(['session']);
  const enabled = session?.user.totp_enabled ?? false;
  const error = start.error ?? confirm.error ?? remove.error;

  return (
    <Card size="small" title={t('totp.title')}>
      <div className="stack">
        {confirm.data ? (
          <ShownOnce text={confirm.data.recovery_codes.join('\n')} hint={t('totp.recovery_hint')} />
        ) : enabled ? (
          <>
            <OutcomeMark ok text={t('totp.on')} />
            <Popconfirm title={t('totp.remove_confirm')} okText={t('totp.remove')} onConfirm={() => remove.mutate({ method: 'DELETE', path: 'me/totp' })}>
              <Button danger loading={remove.isPending} style={{ alignSelf: 'flex-start' }}>
                {t('totp.remove')}
              </Button>
            </Popconfirm>
          </>
        ) : start.data ? (
          <>
            <p style={{ margin: 0 }}>{t('totp.scan')}</p>
            <QRCode value={start.data.otpauth_url} size={176} color="#000000" bgColor="#ffffff" />
            <div className="mono">{start.data.secret}</div>
            <Form<{ code: string }> layout="inline" onFinish={({ code }) => confirm.mutate({ method: 'POST', path: 'me/totp/confirm', body: { code: code.replaceAll(' ', '') } })}>
              <Form.Item name="code" rules={[{ required: true, message: t('common.required') }]}>
                <Input inputMode="numeric" autoComplete="one-time-code" placeholder={t('login.totp')} maxLength={8} style={{ width: 150 }} />
              </Form.Item>
              <Button type="primary" htmlType="submit" loading={confirm.isPending}>
                {t('totp.confirm')}
              </Button>
            </Form>
          </>
        ) : (
          <>
            <p className="faint" style={{ margin: 0 }}>{t('totp.hint')}</p>
            <Button type="primary" style={{ alignSelf: 'flex-start' }} loading={start.isPending} onClick={() => start.mutate({ method: 'POST', path: 'me/totp' })}>
              {t('totp.start')}
            </Button>
          </>
        )}
        {error && <ErrorPanel error={error} />}
      </div>
    </Card>
  );
}
