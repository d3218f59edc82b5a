import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Checkbox, Collapse, Form, Input, InputNumber, Modal, Select, Space } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { refreshResources, useList, useResource } from '../../api/hooks';
import type { CloudAccount, CloudOrder, CloudServerCheck, CloudServerRequest } from '../../api/types';
import { EmptyHint } from '../../components/EmptyHint';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { useFocusBack } from '../../components/useFocusBack';
import { formatUsd } from '../../format/numbers';
import { OrderDetails, OrderProgress, OrderStateMark } from './OrderMarks';
import { isTag, monthly, regionsOf, type ServerValues, toServerRequest } from './serverValues';

/** Makes servers: what they are, what that costs, and then how far they are. */
export function CreateServersDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  useFocusBack();
  const client = useQueryClient();
  const [form] = Form.useForm<ServerValues>();
  const accounts = useList<CloudAccount>('cloud-accounts', { page_size: 500, sort: 'name' });
  // The same order sent twice, as after a lost answer, is placed once.
  const key = useRef(crypto.randomUUID());
  const [checked, setChecked] = useState<{ account: string; body: CloudServerRequest }>();
  const check = useMutation({ mutationFn: ({ account, body }: { account: string; body: CloudServerRequest }) => request<CloudServerCheck>('POST', `cloud-accounts/${account}/server-checks`, { body }) });
  const order = useMutation({
    mutationFn: ({ account, body }: { account: string; body: CloudServerRequest }) => request<CloudOrder>('POST', `cloud-accounts/${account}/servers`, { body, headers: { 'Idempotency-Key': key.current } }),
    onSuccess: () => refreshResources(client, ['cloud-orders', 'cloud-servers']),
  });
  const toCheck = (values: ServerValues) => {
    const wanted = { account: values.account, body: toServerRequest(values) };
    key.current = crypto.randomUUID();
    setChecked(wanted);
    order.reset();
    check.mutate(wanted);
  };
  const back = () => {
    setChecked(undefined);
    check.reset();
    order.reset();
  };
  const footer = order.data ? (
    <Button type="primary" onClick={onClose}>{t('common.close')}</Button>
  ) : checked ? (
    <Space wrap>
      <Button onClick={back}>{t('cloud_create.back')}</Button>
      <Button type="primary" loading={order.isPending} disabled={!check.data?.would_succeed} onClick={() => order.mutate(checked)}>{t('cloud_create.order')}</Button>
    </Space>
  ) : (
    <Space wrap>
      <Button onClick={onClose}>{t('common.cancel')}</Button>
      <Button type="primary" disabled={!accounts.data?.items.length} onClick={form.submit}>{t('cloud_create.check')}</Button>
    </Space>
  );
  return (
    <Modal open title={t('cloud_create.title')} width={640} footer={footer} onCancel={onClose} mask={{ closable: false }}>
      {accounts.isPending && <Loading />}
      {accounts.error && <ErrorPanel error={accounts.error} retry={() => void accounts.refetch()} />}
      {accounts.data?.items.length === 0 && <EmptyHint title={t('clouds.empty')} hint={t('cloud_create.none')} />}
      {accounts.data && accounts.data.items.length > 0 && (
        <div hidden={checked !== undefined}>
          <Form<ServerValues> form={form} layout="vertical" requiredMark={false} autoComplete="off" initialValues={{ account: accounts.data.items[0].id, count: 1 }} onFinish={toCheck}>
            <ServerFields accounts={accounts.data.items} />
            <button type="submit" hidden />
          </Form>
        </div>
      )}
      {check.isPending && (
        <>
          <Loading />
          <p className="faint" style={{ textAlign: 'center' }}>{t('cloud_create.checking')}</p>
        </>
      )}
      {check.error && <ErrorPanel error={check.error} />}
      {checked && check.data && !order.data && <CheckOfServers check={check.data} />}
      {order.error && <ErrorPanel error={order.error} />}
      {order.data && <OrderedServers placed={order.data} />}
    </Modal>
  );
}

function ServerFields({ accounts }: { accounts: CloudAccount[] }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<ServerValues>();
  const chosen = Form.useWatch('account', form) ?? accounts[0]?.id;
  const regions = regionsOf(accounts.find(({ id }) => id === chosen));
  const required = [{ required: true, whitespace: true, message: t('common.required') }];
  const tagRule = { validator: (_rule: unknown, value?: string[]) => ((value ?? []).every(isTag) ? Promise.resolve() : Promise.reject(new Error(t('cloud_create.tags_rule')))) };
  return (
    <>
      <Space wrap size={[24, 0]} align="start">
        <Form.Item name="account" label={t('cloud_create.account')} rules={required}>
          <Select options={accounts.map(({ id, name }) => ({ value: id, label: name }))} onChange={() => form.setFieldValue('region', undefined)} style={{ width: 220 }} />
        </Form.Item>
        <Form.Item name="region" label={t('cloud_create.region')} rules={required}>
          <Select showSearch options={regions.map((value) => ({ value, label: value }))} style={{ width: 220 }} />
        </Form.Item>
      </Space>
      <Form.Item name="name" label={t('cloud_create.name')} extra={t('cloud_create.name_hint')} rules={required}>
        <Input maxLength={60} placeholder="web" />
      </Form.Item>
      <Form.Item name="image" label={t('cloud_create.image')} extra={t('cloud_create.image_hint')} rules={required}>
        <Input className="mono" maxLength={500} />
      </Form.Item>
      <Space wrap size={[24, 0]} align="start">
        <Form.Item name="instance_type" label={t('cloud_create.type')} rules={required}>
          <Input className="mono" placeholder="t3.micro" maxLength={100} style={{ width: 180 }} />
        </Form.Item>
        <Form.Item name="count" label={t('cloud_create.count')} rules={[{ required: true, message: t('common.required') }]}>
          <InputNumber min={1} max={100} precision={0} style={{ width: 90 }} />
        </Form.Item>
        <Form.Item name="disk_gib" label={t('cloud_create.disk')}>
          <InputNumber min={1} max={65_536} precision={0} style={{ width: 120 }} />
        </Form.Item>
      </Space>
      <Form.Item name="tags" label={t('servers.tags')} extra={t('cloud_create.tags_hint')} rules={[tagRule]}>
        <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',']} />
      </Form.Item>
      <Collapse ghost size="small" style={{ margin: '0 -12px 8px' }} items={[{ key: 'network', label: t('cloud_create.network'), forceRender: true, children: <NetworkFields /> }]} />
      <Form.Item name="is_protected" valuePropName="checked">
        <Checkbox>{t('cloud_create.protected')}</Checkbox>
      </Form.Item>
    </>
  );
}

function NetworkFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="zone" label={t('cloud_create.zone')} extra={t('cloud_create.zone_hint')}>
        <Input className="mono" maxLength={100} />
      </Form.Item>
      <Form.Item name="ssh_key" label={t('cloud_create.ssh_key')} extra={t('cloud_create.ssh_key_hint')}>
        <Input className="mono" />
      </Form.Item>
      <Form.Item name="subnet" label={t('cloud_create.subnet')}>
        <Input className="mono" maxLength={500} />
      </Form.Item>
      <Form.Item name="security_groups" label={t('cloud_create.security_groups')}>
        <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} />
      </Form.Item>
      <Form.Item name="user_data" label={t('cloud_create.user_data')} extra={t('cloud_create.user_data_hint')}>
        <Input.TextArea className="mono" autoSize={{ minRows: 3, maxRows: 12 }} placeholder="#cloud-config" />
      </Form.Item>
    </>
  );
}

/** What a dry run found, and what it would cost. */
export function CheckOfServers({ check }: { check: CloudServerCheck }) {
  const { t, i18n } = useTranslation();
  const price = check.usd_per_hour;
  return (
    <Alert
      type={check.would_succeed ? 'success' : 'error'}
      showIcon
      title={t(check.would_succeed ? 'cloud_create.ok' : 'cloud_create.not_ok')}
      description={
        <>
          <div>{price === null || price === undefined ? t('cloud_create.no_price') : t('cloud_create.price', { hour: formatUsd(price, i18n.language), month: formatUsd(monthly(price), i18n.language) })}</div>
          {check.findings.map(({ text }) => (
            <div key={text} style={{ overflowWrap: 'anywhere' }}>{text}</div>
          ))}
        </>
      }
    />
  );
}

/** How far servers are that were just ordered. */
function OrderedServers({ placed }: { placed: CloudOrder }) {
  const { t } = useTranslation();
  const shown = useResource<CloudOrder>(`cloud-orders/${placed.id}`, undefined, { refetchInterval: 3000 });
  const order = shown.data ?? placed;
  return (
    <div className="stack">
      <div className="row">
        <OrderStateMark order={order} />
        <OrderProgress order={order} />
      </div>
      <OrderDetails order={order} />
      {!order.ended_at_ms && <p className="faint">{t('cloud_create.progress')}</p>}
    </div>
  );
}
