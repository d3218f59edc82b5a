import { Alert, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { ApiToken } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { agentCommands } from './agentCommands';

/** Makes a token for another machine and shows what to type there. */
export function AddServerDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange<ApiToken & { token: string }>();
  const made = change.data && agentCommands(window.location, change.data.token);
  return (
    <FormDialog<{ name: string }>
      title={t('add_server.title')}
      okText={t('add_server.make')}
      change={change}
      width={640}
      made={
        made && {
          text: made.text,
          hint: t('add_server.shown_once'),
          more: (
            <>
              {made.isOwn && <Alert type="info" showIcon title={t('add_server.own_address')} />}
              {made.isPlain && <Alert type="warning" showIcon title={t('add_server.plain')} />}
              <p className="faint" style={{ margin: 0 }}>{t('add_server.after')}</p>
            </>
          ),
        }
      }
      onSubmit={({ name }) => change.mutate({ method: 'POST', path: 'tokens', body: { name: name.trim(), scopes: ['metrics:write'], expires_at_ms: null } })}
      onClose={onClose}
    >
      <p style={{ marginTop: 0 }}>{t('add_server.hint')}</p>
      <Form.Item name="name" label={t('add_server.name')} extra={t('add_server.name_hint')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}>
        <Input autoFocus maxLength={120} placeholder="web-1" />
      </Form.Item>
    </FormDialog>
  );
}
