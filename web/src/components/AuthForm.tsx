import { Button, Form } from 'antd';
import type { ReactNode } from 'react';
import { ErrorPanel } from './ErrorPanel';

interface Props<T> {
  submitText: string;
  busy: boolean;
  error: unknown;
  onSubmit: (values: T) => void;
  initialValues?: Partial<T>;
  children: ReactNode;
}

/** A form of set-up, login or registration: its fields, one button, and what went wrong. */
export function AuthForm<T extends object>({ submitText, busy, error, onSubmit, initialValues, children }: Props<T>) {
  return (
    <Form<T> layout="vertical" requiredMark={false} initialValues={initialValues} onFinish={onSubmit}>
      {children}
      {error !== undefined && (
        <div style={{ marginBottom: 16 }}>
          <ErrorPanel error={error} />
        </div>
      )}
      <Button type="primary" htmlType="submit" block loading={busy}>
        {submitText}
      </Button>
    </Form>
  );
}
