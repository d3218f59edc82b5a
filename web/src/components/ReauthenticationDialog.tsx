import { Form, Input, Modal } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { handleReauthentication, request } from '../api/client';
import { useSession } from '../api/session';
import { ErrorPanel } from './ErrorPanel';
import { useSubmit } from './useSubmit';

interface Values {
  password: string;
  totp?: string;
}

/** Asks for the password again when the server wants it before a dangerous action. */
export function ReauthenticationDialog() {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const { data: session } = useSession();
  const [open, setOpen] = useState(false);
  const { busy, error, submit } = useSubmit();
  // Everything that is refused while the dialog is open waits for the same answer.
  const waiting = useRef<((done: boolean) => void)[]>([]);

  useEffect(() => {
    handleReauthentication(() => {
      setOpen(true);
      return new Promise<boolean>((resolve) => waiting.current.push(resolve));
    });
    return () => handleReauthentication(undefined);
  }, []);

  const close = (done: boolean) => {
    setOpen(false);
    for (const resolve of waiting.current.splice(0)) resolve(done);
  };
  const confirm = ({ password, totp }: Values) =>
    submit(async () => {
      await request('POST', 'session/reauthenticate', { body: { password, totp: totp?.replaceAll(' ', '') || undefined } });
      close(true);
    });
  const required = [{ required: true, message: t('common.required') }];
  return (
    <Modal
      open={open}
      title={t('reauthenticate.title')}
      okText={t('reauthenticate.confirm')}
      confirmLoading={busy}
      onOk={form.submit}
      onCancel={() => close(false)}
      destroyOnHidden
      afterOpenChange={(shown) => shown && form.focusField('password')}
      width={400}
      zIndex={1400}
    >
      <p className="faint">{t('reauthenticate.hint')}</p>
      {/* The name keeps its fields apart from those of the form behind it. */}
      <Form form={form} name="reauthenticate" layout="vertical" requiredMark={false} preserve={false} onFinish={(values) => void confirm(values)}>
        <Form.Item name="password" label={t('login.password')} rules={required}>
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
        {session?.user.totp_enabled && (
          <Form.Item name="totp" label={t('login.totp')} rules={required}>
            <Input inputMode="numeric" autoComplete="one-time-code" maxLength={40} />
          </Form.Item>
        )}
        <button type="submit" hidden />
      </Form>
      {error !== undefined && <ErrorPanel error={error} />}
    </Modal>
  );
}
