import { useMutation } from '@tanstack/react-query';
import { Button, Collapse, Form, Input, InputNumber, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { useChange } from '../../api/hooks';
import type { CloudAccount, CloudAccountCheck, CloudAccountTestRequest } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { FormDialog } from '../../components/FormDialog';
import { formatSeconds, formatUsd } from '../../format/numbers';
import { type AccountValues, monthlyCostOfServer, START, toAccess, toRequest, toValues } from './accountValues';
import { CheckPanel } from './CheckPanel';
import { CredentialFields } from './CredentialFields';
import { PolicyPanel } from './PolicyPanel';
import { RegionsField } from './RegionsField';

/** What stands in the way of opening the account is in one of these. */
const OPENING: (keyof AccountValues)[] = ['access_key_id', 'secret_access_key', 'profile', 'role_arn', 'endpoint'];
const ENDPOINT = /^https?:\/\/[^@\s]+$/;
const NAME = /^[\p{Alphabetic}\p{N}._ -]+$/u;

/** Adds an account of AWS or changes one; it can be tried before it is kept. */
export function AccountDialog({ account, onClose }: { account?: CloudAccount; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [form] = Form.useForm<AccountValues>();
  const change = useChange(['cloud-servers', 'servers']);
  const initial = account ? toValues(account) : START;
  const entered = (): AccountValues => ({ ...initial, ...(form.getFieldsValue(true) as AccountValues) });
  const trial = useMutation({
    mutationFn: () => {
      const body: CloudAccountTestRequest = { access: toAccess(entered()), id: account?.id ?? null };
      return request<CloudAccountCheck>('POST', 'cloud-account-tests', { body });
    },
  });
  const tryOut = () => form.validateFields(OPENING).then(() => trial.mutate(), () => undefined);
  const interval = Form.useWatch('interval_secs', form) ?? initial.interval_secs;
  const required = [{ required: true, message: t('common.required') }];
  const save = () =>
    change.mutate(
      { method: account ? 'PUT' : 'POST', path: account ? `cloud-accounts/${account.id}` : 'cloud-accounts', version: account?.version, body: toRequest(entered(), account) },
      { onSuccess: onClose },
    );
  return (
    <FormDialog<AccountValues>
      title={account ? t('clouds.edit_title', { name: account.name }) : t('clouds.new_title')}
      change={change}
      form={form}
      width={640}
      initialValues={initial}
      onSubmit={save}
      onClose={onClose}
    >
      <Collapse size="small" style={{ marginBottom: 16 }} items={[{ key: 'policy', label: t('clouds.policy.title'), children: <PolicyPanel /> }]} />
      <Form.Item name="name" label={t('clouds.name')} extra={t('clouds.name_hint')} rules={[{ ...required[0], whitespace: true }, { pattern: NAME, message: t('clouds.name_rule') }]}>
        <Input maxLength={63} placeholder="production" />
      </Form.Item>
      <CredentialFields account={account} />
      <Form.Item name="regions" label={t('clouds.regions')} extra={t('clouds.regions_hint')}>
        <RegionsField />
      </Form.Item>
      <Space wrap size={[24, 0]} align="start">
        <Form.Item name="interval_secs" label={t('clouds.interval')} extra={formatSeconds(interval)} rules={required}>
          <InputNumber min={60} max={86_400} precision={0} step={60} suffix="s" style={{ width: 130 }} />
        </Form.Item>
        <Form.Item name="monthly_budget_usd" label={t('clouds.budget')}>
          <InputNumber min={0} precision={2} prefix="$" placeholder={t('clouds.no_budget')} style={{ width: 170 }} />
        </Form.Item>
        <Form.Item name="enabled" label={t('clouds.enabled')} valuePropName="checked">
          <Switch />
        </Form.Item>
      </Space>
      <p className="faint" style={{ marginTop: 0 }}>{t('clouds.cost_hint', { cost: formatUsd(monthlyCostOfServer(interval), i18n.language) })}</p>
      <Collapse ghost size="small" style={{ margin: '0 -12px 8px' }} items={[{ key: 'more', label: t('common.more'), forceRender: true, children: <RareFields account={account} /> }]} />
      <div className="stack" style={{ marginBottom: 12 }}>
        <div>
          <Button loading={trial.isPending} onClick={() => void tryOut()}>
            {t('clouds.test')}
          </Button>
        </div>
        {trial.error && <ErrorPanel error={trial.error} />}
        {trial.data && !trial.isPending && <CheckPanel check={trial.data} />}
      </div>
    </FormDialog>
  );
}

function RareFields({ account }: { account?: CloudAccount }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<AccountValues>();
  const kind = Form.useWatch('credentials', form) ?? account?.access.credentials.kind ?? START.credentials;
  return (
    <>
      {kind === 'keys' && (
        <Form.Item name="session_token" label={t('clouds.session_token')} extra={t('clouds.session_token_hint')}>
          <Input.Password autoComplete="off" />
        </Form.Item>
      )}
      <Form.Item name="endpoint" label={t('clouds.endpoint')} extra={t('clouds.endpoint_hint')} rules={[{ pattern: ENDPOINT, message: t('clouds.endpoint_rule') }]}>
        <Input className="mono" placeholder="https://ec2.example.com" inputMode="url" maxLength={2048} />
      </Form.Item>
    </>
  );
}
