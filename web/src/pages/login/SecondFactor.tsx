import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AuthForm } from '../../components/AuthForm';

interface Props {
  busy: boolean;
  error: unknown;
  onCode: (code: { totp: string } | { recovery_code: string }) => void;
  onBack: () => void;
}

/** The one-time code, or a recovery code when the device is gone. */
export function SecondFactor({ busy, error, onCode, onBack }: Props) {
  const { t } = useTranslation();
  const [recovery, setRecovery] = useState(false);
  return (
    <>
      <AuthForm<{ code: string }>
        key={String(recovery)}
        submitText={t('login.submit')}
        busy={busy}
        error={error}
        onSubmit={({ code }) => onCode(recovery ? { recovery_code: code.trim() } : { totp: code.replaceAll(' ', '') })}
      >
        <Form.Item
          name="code"
          label={recovery ? t('login.recovery_code') : t('login.totp')}
          rules={[{ required: true, message: t('common.required') }]}
        >
          <Input
            autoFocus
            className="mono"
            inputMode={recovery ? 'text' : 'numeric'}
            autoComplete={recovery ? 'off' : 'one-time-code'}
            maxLength={recovery ? 40 : 8}
          />
        </Form.Item>
      </AuthForm>
      <div className="row-between" style={{ marginTop: 10 }}>
        <Button type="link" size="small" style={{ padding: 0 }} onClick={onBack}>
          {t('login.back')}
        </Button>
        <Button type="link" size="small" style={{ padding: 0 }} onClick={() => setRecovery(!recovery)}>
          {recovery ? t('login.use_totp') : t('login.use_recovery')}
        </Button>
      </div>
    </>
  );
}
