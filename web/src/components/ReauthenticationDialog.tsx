import { Form, Input, Modal } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { handleReauthentication, request } from '../api/client';
import { ErrorPanel } from './ErrorPanel';

interface Values {
  password: string;
  totp?: string;
}

/** Asks for the password again when the server wants it before a dangerous action. */
export function ReauthenticationDialog() {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const answer = useRef<(done: boolean) => void>(undefined);

  useEffect(() => {
    handleReauthentication(() => {
      setError(undefined);
      setOpen(true);
      return new Promise<boolean>((resolve) => {
        answer.current = resolve;
      });
    });
    return () => handleReauthentication(undefined);
  }, []);

  const close = (done: boolean) => {
    setOpen(false);
    answer.current?.(done);
  };
  const confirm = async ({ password, totp }: Values) => {
    setBusy(true);
    try {
      await request('POST', 'session/reauthenticate', { body: { password, totp: totp || undefined } });
      close(true);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      open={open}
      title={t('reauthenticate.title')}
      okText={t('reauthenticate.confirm')}
      confirmLoading={busy}
      onOk={form.submit}
      onCancel={() => close(false)}
      destroyOnHidden
      width={400}
      zIndex={1400}
    >
      <p className="faint">{t('reauthenticate.hint')}</p>
      <Form form={form} layout="vertical" preserve={false} onFinish={(values) => void confirm(values)}>
        <Form.Item name="password" label={t('login.password')} rules={[{ required: true, message: t('common.required') }]}>
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
        <Form.Item name="totp" label={t('reauthenticate.totp')}>
          <Input inputMode="numeric" autoComplete="one-time-code" maxLength={8} />
        </Form.Item>
        <button type="submit" hidden />
      </Form>
      {error !== undefined && <ErrorPanel error={error} />}
    </Modal>
  );
}
