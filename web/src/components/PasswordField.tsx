import { Form, Input, Progress, theme } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../api/client';
import type { PasswordStrength } from '../api/types';
import { useAdviceText } from './useAdviceText';

interface Props {
  name: string;
  label: string;
  /** Fields of the same form that the password must not repeat. */
  about?: string[];
  /** Whether it may stay empty. */
  optional?: boolean;
  extra?: string;
}

/** A new password with the server's judgement of its strength under it. */
export function PasswordField({ name, label, about = ['name', 'email', 'display_name'], optional, extra }: Props) {
  const { t } = useTranslation();
  const adviceText = useAdviceText();
  const { token } = theme.useToken();
  const form = Form.useFormInstance<Record<string, string>>();
  const password = Form.useWatch(name, form) ?? '';
  const [strength, setStrength] = useState<PasswordStrength>();

  useEffect(() => {
    if (!password) {
      setStrength(undefined);
      return;
    }
    const control = new AbortController();
    const timer = setTimeout(() => {
      const user_inputs = about.map((field) => form.getFieldValue(field) as string | undefined).filter(Boolean);
      request<PasswordStrength>('POST', 'password-strength', { body: { password, user_inputs }, signal: control.signal })
        .then(setStrength)
        .catch(() => setStrength(undefined));
    }, 300);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
    // The list of fields is fixed for a form.
  }, [password, form]);

  const colour = strength?.acceptable ? token.colorSuccess : token.colorWarning;
  return (
    <>
      <Form.Item
        name={name}
        label={label}
        extra={extra}
        rules={optional ? [] : [{ required: true, message: t('common.required') }]}
        style={{ marginBottom: 4 }}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <div style={{ minHeight: optional ? 10 : 40, marginBottom: 8 }} aria-live="polite">
        {!strength && !optional && (
          <div className="faint" style={{ fontSize: 12 }}>
            {t('password.advice')}
          </div>
        )}
        {strength && (
          <>
            <Progress percent={(strength.score + 1) * 20} size={{ height: 4 }} showInfo={false} strokeColor={colour} />
            <div className="faint" style={{ fontSize: 12 }}>
              {t(`password.score.${strength.score}`)}
              {strength.reasons.length > 0 && ` – ${strength.reasons.map(adviceText).join(' · ')}`}
            </div>
          </>
        )}
      </div>
    </>
  );
}
