import { useMutation } from '@tanstack/react-query';
import { Button, Collapse, Form, Input, InputNumber, Segmented, Space, Switch } from 'antd';
import type { ComponentType } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { useChange } from '../../api/hooks';
import type { CloudAccount, CloudAccountCheck, CloudAccountTestRequest, CloudProvider } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { FormDialog } from '../../components/FormDialog';
import { formatSeconds, formatUsd } from '../../format/numbers';
import { PROVIDERS } from './AccountMarks';
import { type AccountValues, START, toAccess, toRequest, toValues } from './accountValues';
import { AwsFields, AwsRareFields } from './AwsFields';
import { AzureFields, AzureRareFields } from './AzureFields';
import { CheckPanel } from './CheckPanel';
import { monthlyCostOfServer } from './cost';
import { GcpFields, GcpRareFields } from './GcpFields';
import { PolicyPanel } from './PolicyPanel';

const FIELDS: Record<CloudProvider, { Fields: ComponentType<{ account?: CloudAccount }>; RareFields: ComponentType }> = {
  aws: { Fields: AwsFields, RareFields: AwsRareFields },
  azure: { Fields: AzureFields, RareFields: AzureRareFields },
  gcp: { Fields: GcpFields, RareFields: GcpRareFields },
};
const NAME = /^[\p{Alphabetic}\p{N}._ -]+$/u;

/** Adds an account with a cloud or changes one; it can be tried before it is kept. */
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
  const provider = Form.useWatch('provider', form) ?? initial.provider;
  const interval = Form.useWatch('interval_secs', form) ?? initial.interval_secs;
  const { Fields, RareFields } = FIELDS[provider];
  // What stands in the way of opening the account is among the provider's own fields.
  const tryOut = () => form.validateFields([[provider]], { recursive: true }).then(() => trial.mutate(), () => undefined);
  const required = [{ required: true, message: t('common.required') }];
  const save = () =>
    change.mutate(
      { method: account ? 'PUT' : 'POST', path: account ? `cloud-accounts/${account.id}` : 'cloud-accounts', version: account?.version, body: toRequest(entered(), account) },
      { onSuccess: onClose },
    );
  return (
    <FormDialog<AccountValues>
      title={account ? t('clouds.edit_title', { name: account.name }) : t('clouds.new')}
      change={change}
      form={form}
      width={640}
      initialValues={initial}
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item name="provider" label={t('clouds.provider')}>
        <Segmented disabled={account !== undefined} onChange={trial.reset} options={Object.entries(PROVIDERS).map(([value, label]) => ({ value, label }))} />
      </Form.Item>
      <Collapse size="small" style={{ marginBottom: 16 }} items={[{ key: 'policy', label: t('clouds.policy.title'), children: <PolicyPanel provider={provider} /> }]} />
      <Form.Item name="name" label={t('clouds.name')} extra={t('clouds.name_hint')} rules={[{ ...required[0], whitespace: true }, { pattern: NAME, message: t('clouds.name_rule') }]}>
        <Input maxLength={63} placeholder="production" />
      </Form.Item>
      <Fields account={account} />
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
      <p className="faint" style={{ marginTop: 0 }}>
        {t(`clouds.cost_hint.${provider}`, { cost: formatUsd(monthlyCostOfServer(provider, interval), i18n.language) })} {t('clouds.budget_hint')}
      </p>
      <Collapse ghost size="small" style={{ margin: '0 -12px 8px' }} items={[{ key: 'more', label: t('common.more'), forceRender: true, children: <RareFields /> }]} />
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
