import { Form, Input, Modal, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useSession } from '../../api/session';
import type { ApiToken } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { ShownOnce } from '../../components/ShownOnce';

interface Values {
  name: string;
  scopes: string[];
  days: number;
}

const DAYS = [7, 30, 90, 365, 0];

/** Makes a token with some of one's own permissions and shows it, once. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const { data: session } = useSession();
  const change = useChange<ApiToken & { token: string }>();
  const made = change.data;
  const save = ({ name, scopes, days }: Values) =>
    change.mutate({
      method: 'POST',
      path: 'tokens',
      body: { name, scopes, expires_at_ms: days > 0 ? Date.now() + days * 86_400_000 : null },
    });
  const required = [{ required: true, message: t('common.required') }];
  return (
    <Modal
      open
      title={t('tokens.new')}
      okText={made ? t('common.close') : t('tokens.create')}
      cancelButtonProps={made ? { style: { display: 'none' } } : undefined}
      confirmLoading={change.isPending}
      onOk={made ? onClose : form.submit}
      onCancel={onClose}
    >
      {made ? (
        <ShownOnce text={made.token} hint={t('tokens.shown_once')} />
      ) : (
        <Form<Values> form={form} layout="vertical" requiredMark={false} initialValues={{ days: 90, scopes: [] }} onFinish={save}>
          <Form.Item name="name" label={t('tokens.name')} extra={t('tokens.name_hint')} rules={required}>
            <Input autoFocus maxLength={120} />
          </Form.Item>
          <Form.Item name="scopes" label={t('tokens.scopes')} extra={t('tokens.scopes_hint')} rules={required}>
            <Select mode="multiple" options={(session?.permissions ?? []).map((value) => ({ value, label: value }))} />
          </Form.Item>
          <Form.Item name="days" label={t('invitations.expires')}>
            <Select options={DAYS.map((value) => ({ value, label: value > 0 ? t('tokens.days', { count: value }) : t('tokens.never') }))} />
          </Form.Item>
        </Form>
      )}
      {change.error && <ErrorPanel error={change.error} />}
    </Modal>
  );
}
