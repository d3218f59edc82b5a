import { Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useSession } from '../../api/session';
import type { ApiToken } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';

interface Values {
  name: string;
  scopes: string[];
  days: number;
}

const DAYS = [7, 30, 90, 365, 0];

/** Makes a token with some of one's own permissions and shows it, once. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const { data: session } = useSession();
  const change = useChange<ApiToken & { token: string }>();
  const save = ({ name, scopes, days }: Values) =>
    change.mutate({
      method: 'POST',
      path: 'tokens',
      body: { name: name.trim(), scopes, expires_at_ms: days > 0 ? Date.now() + days * 86_400_000 : null },
    });
  const explain = (permission: string) => {
    const key = permission.replace(':', '_');
    return i18n.exists(`permissions.${key}`) ? t(`permissions.${key}`) : '';
  };
  const required = [{ required: true, message: t('common.required') }];
  return (
    <FormDialog<Values>
      title={t('tokens.new')}
      okText={t('tokens.create')}
      change={change}
      made={change.data && { text: change.data.token, hint: t('tokens.shown_once') }}
      initialValues={{ days: 90, scopes: [] }}
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item name="name" label={t('tokens.name')} extra={t('tokens.name_hint')} rules={required}>
        <Input autoFocus maxLength={120} />
      </Form.Item>
      <Form.Item name="scopes" label={t('tokens.scopes')} extra={t('tokens.scopes_hint')} rules={required}>
        <Select
          mode="multiple"
          options={(session?.permissions ?? []).map((value) => ({ value, label: value }))}
          optionRender={({ value }) => (
            <>
              <span className="mono">{value}</span> <span className="faint">{explain(String(value))}</span>
            </>
          )}
        />
      </Form.Item>
      <Form.Item name="days" label={t('invitations.expires')}>
        <Select options={DAYS.map((value) => ({ value, label: value > 0 ? t('tokens.days', { count: value }) : t('tokens.never') }))} />
      </Form.Item>
    </FormDialog>
  );
}
