import { useMutation } from '@tanstack/react-query';
import { Button, Collapse, Form, Input, InputNumber, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { useChange } from '../../api/hooks';
import type { Probe, ProbeResult } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { FormDialog } from '../../components/FormDialog';
import { HeadersField } from '../channels/WebhookFields';
import { METHODS, type ProbeValues, schemeOf, START, toRequest, toValues } from './probeValues';
import { ResultPanel } from './ResultPanel';

/** Makes a probe or changes one; it can be tried before it is kept. */
export function ProbeDialog({ probe: shown, onClose }: { probe?: Probe; onClose: () => void }) {
  // The page goes on reading it while the dialog is open; what is changed is what was opened.
  const [probe] = useState(shown);
  const { t } = useTranslation();
  const [form] = Form.useForm<ProbeValues>();
  const change = useChange();
  const trial = useMutation({
    mutationFn: (values: ProbeValues) =>
      request<ProbeResult>('POST', 'probe-tests', { body: { id: probe?.id ?? null, probe: { ...toRequest(values), name: values.name.trim() || 'test' } } }),
  });
  const initial = probe ? toValues(probe) : START;
  const scheme = schemeOf(Form.useWatch('target', form) ?? initial.target);
  const isHttp = scheme === 'http' || scheme === 'https';
  const hasTls = scheme === 'tls' || scheme === 'https';
  const required = [{ required: true, message: t('common.required') }];
  const save = (values: ProbeValues) =>
    change.mutate({ method: probe ? 'PUT' : 'POST', path: probe ? `probes/${probe.id}` : 'probes', version: probe?.version, body: toRequest(values) }, { onSuccess: onClose });
  const tryOut = () => form.validateFields(['target']).then(() => trial.mutate({ ...initial, ...(form.getFieldsValue(true) as ProbeValues) })).catch(() => undefined);

  return (
    <FormDialog<ProbeValues>
      title={probe ? t('probes.edit_title', { name: probe.name }) : t('probes.new')}
      change={change}
      form={form}
      width={600}
      initialValues={initial}
      onSubmit={(values) => save({ ...initial, ...(form.getFieldsValue(true) as ProbeValues), ...values })}
      onClose={onClose}
    >
      <Form.Item name="name" label={t('probes.name')} rules={required}>
        <Input maxLength={191} />
      </Form.Item>
      <Form.Item name="target" label={t('probes.target')} extra={t('probes.target_hint')} rules={required}>
        <Input placeholder="https://example.com/health" maxLength={2048} inputMode="url" />
      </Form.Item>
      <Space wrap size={[24, 0]} align="start">
        <Form.Item name="interval_secs" label={t('probes.interval')} rules={required}>
          <InputNumber min={1} max={600} precision={0} suffix="s" style={{ width: 130 }} />
        </Form.Item>
        <Form.Item name="timeout_secs" label={t('probes.timeout')} rules={required}>
          <InputNumber min={0.1} max={30} suffix="s" style={{ width: 130 }} />
        </Form.Item>
        <Form.Item name="enabled" label={t('probes.enabled')} valuePropName="checked">
          <Switch />
        </Form.Item>
      </Space>
      {isHttp && (
        <Space wrap size={[24, 0]} align="start">
          <Form.Item name="expected_status" label={t('probes.expected_status')}>
            <Input placeholder="200-299,401" style={{ width: 180 }} />
          </Form.Item>
          <Form.Item name="body_match" label={t('probes.body_match')}>
            <Input placeholder={'"status": *"ok"'} className="mono" style={{ width: 260, maxWidth: '100%' }} />
          </Form.Item>
        </Space>
      )}
      <Collapse
        ghost
        size="small"
        items={[
          {
            key: 'more',
            label: t('probes.more'),
            forceRender: true,
            children: (
              <>
                {isHttp && (
                  <>
                    <Space wrap size={[24, 0]} align="start">
                      <Form.Item name="method" label={t('probes.method')}>
                        <Select style={{ width: 120 }} options={METHODS.map((value) => ({ value, label: value }))} />
                      </Form.Item>
                      <Form.Item name="follow_redirects" label={t('probes.follow_redirects')} valuePropName="checked">
                        <Switch />
                      </Form.Item>
                    </Space>
                    <Form.Item name="headers" label={t('probes.headers')} extra={t('probes.secret_hint')}>
                      <HeadersField />
                    </Form.Item>
                    <Form.Item name="body" label={t('probes.body')} extra={probe?.has_body ? t('channels.secret_kept') : t('probes.secret_hint')}>
                      <Input.TextArea rows={2} className="mono" />
                    </Form.Item>
                  </>
                )}
                {hasTls && (
                  <>
                    <Form.Item name="verify_certificate" label={t('probes.verify_certificate')} valuePropName="checked">
                      <Switch />
                    </Form.Item>
                    <Form.Item name="ca_certificate_pem" label={t('probes.ca_certificate')}>
                      <Input.TextArea rows={2} className="mono" placeholder="-----BEGIN CERTIFICATE-----" />
                    </Form.Item>
                  </>
                )}
                <Form.Item name="labels" label={t('probes.labels')} extra={t('probes.labels_hint')}>
                  <Input.TextArea rows={2} className="mono" placeholder="team=web" />
                </Form.Item>
              </>
            ),
          },
        ]}
      />
      <div className="stack" style={{ marginTop: 8 }}>
        <div>
          <Button loading={trial.isPending} onClick={() => void tryOut()}>
            {t('probes.try')}
          </Button>
        </div>
        {trial.error && <ErrorPanel error={trial.error} />}
        {trial.data && !trial.isPending && <ResultPanel result={trial.data} />}
      </div>
    </FormDialog>
  );
}
