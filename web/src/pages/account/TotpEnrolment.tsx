import { Button, Form, Input, QRCode, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { RecoveryCodes, TotpEnrolment as Enrolment } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';

interface Props {
  enrolment: Enrolment;
  onCodes: (codes: string[]) => void;
  onCancel: () => void;
}

/** Sets the second factor up: the QR code is drawn here, nothing of it leaves the browser. */
export function TotpEnrolment({ enrolment: { secret, otpauth_url }, onCodes, onCancel }: Props) {
  const { t } = useTranslation();
  const confirm = useChange<RecoveryCodes>(['session']);
  // By the promise, not by a callback of the mutation: the account is read anew before that would be
  // called, and then this form is gone and the codes with it.
  const save = ({ code }: { code: string }) =>
    confirm
      .mutateAsync({ method: 'POST', path: 'me/totp/confirm', body: { code: code.replaceAll(' ', '') } })
      .then(({ recovery_codes }) => onCodes(recovery_codes), () => undefined);
  return (
    <>
      <p style={{ margin: 0 }}>{t('totp.scan')}</p>
      <div className="row" style={{ alignItems: 'flex-start', gap: 16 }}>
        {/* The same stands beside it as text. */}
        <div aria-hidden>
          <QRCode value={otpauth_url} size={176} color="#000000" bgColor="#ffffff" />
        </div>
        <div style={{ flex: 1, minWidth: 180 }}>
          <div className="faint">{t('totp.by_hand')}</div>
          <Typography.Text copyable={{ text: secret }} className="mono" data-testid="totp-secret">
            {secret.replace(/(.{4})(?=.)/g, '$1 ')}
          </Typography.Text>
        </div>
      </div>
      <Form<{ code: string }> layout="vertical" requiredMark={false} onFinish={save}>
        <Form.Item name="code" label={t('login.totp')} rules={[{ required: true, message: t('common.required') }]}>
          <Input autoFocus className="mono" inputMode="numeric" autoComplete="one-time-code" maxLength={8} style={{ width: 150 }} />
        </Form.Item>
        <div className="row">
          <Button type="primary" htmlType="submit" loading={confirm.isPending}>
            {t('totp.confirm')}
          </Button>
          <Button onClick={onCancel}>{t('common.cancel')}</Button>
        </div>
      </Form>
      {confirm.error && <ErrorPanel error={confirm.error} />}
    </>
  );
}
