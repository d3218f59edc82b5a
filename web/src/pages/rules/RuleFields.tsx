import { AutoComplete, Form, Input, InputNumber, Radio, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { useLabelValues } from '../../api/prometheus';
import { MatchersEditor } from '../../components/MatchersEditor';
import { unitOfMetric } from '../../format/numbers';

const COMPARISONS = ['>', '>=', '<', '<=', '==', '!='];

/** The fields of a threshold rule. */
export function RuleFields({ nameFixed }: { nameFixed: boolean }) {
  const { t } = useTranslation();
  const metrics = useLabelValues('__name__');
  const metric = String(Form.useWatch('metric') ?? '');
  const unit = unitOfMetric(metric);
  const suffix = unit === 'ratio' ? '%' : unit === 'bytes' ? 'B' : unit === 'seconds' ? 's' : undefined;
  const required = [{ required: true, message: t('common.required') }];
  return (
    <>
      <Form.Item
        name="name"
        label={t('rule_form.name')}
        rules={[...required, { pattern: /^[\w.:\- \u4e00-\u9fff]+$/, message: t('rule_form.name_rule') }]}
      >
        <Input disabled={nameFixed} autoFocus placeholder="HighCpu" maxLength={120} />
      </Form.Item>
      <Form.Item name="metric" label={t('rule_form.metric')} extra={t('rule_form.metric_hint')} rules={required}>
        <AutoComplete
          className="mono"
          showSearch={{ filterOption: (typed, option) => String(option?.value).includes(typed) }}
          options={(metrics.data ?? []).map((value) => ({ value }))}
        />
      </Form.Item>
      <Form.Item label={t('rule_form.condition')} required>
        <Space.Compact>
          <Form.Item name="comparison" noStyle>
            <Select style={{ width: 74 }} aria-label={t('rule_form.comparison')} options={COMPARISONS.map((value) => ({ value, label: value }))} />
          </Form.Item>
          <Form.Item name="threshold" noStyle rules={required}>
            <InputNumber style={{ width: 150 }} aria-label={t('rule_form.threshold')} suffix={suffix} />
          </Form.Item>
        </Space.Compact>
      </Form.Item>
      <div className="row" style={{ alignItems: 'flex-start', gap: 20 }}>
        <Form.Item name="for_minutes" label={t('rule_form.for')} rules={required}>
          <InputNumber min={0} max={10_080} suffix={t('rule_form.minutes')} style={{ width: 150 }} />
        </Form.Item>
        <Form.Item name="recovery_threshold" label={t('rule_form.recovery')} tooltip={t('rule_form.recovery_hint')}>
          <InputNumber style={{ width: 150 }} suffix={suffix} placeholder={t('common.optional')} />
        </Form.Item>
      </div>
      <Form.Item name="severity" label={t('alerts.severity')}>
        <Radio.Group
          optionType="button"
          options={(['critical', 'warning', 'info'] as const).map((value) => ({ value, label: t(`severity.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="matchers" label={t('rule_form.servers')} extra={t('rule_form.servers_hint')}>
        <MatchersEditor />
      </Form.Item>
      <Form.Item name="summary" label={t('rule_form.summary')} extra={t('rule_form.summary_hint')}>
        <Input maxLength={500} placeholder={t('common.optional')} />
      </Form.Item>
      <Form.Item name="runbook_url" label={t('alert.runbook')} rules={[{ type: 'url', message: t('rule_form.url_rule') }]}>
        <Input placeholder="https://" maxLength={1000} />
      </Form.Item>
    </>
  );
}
