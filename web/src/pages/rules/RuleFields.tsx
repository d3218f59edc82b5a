import { AutoComplete, Collapse, Form, Input, InputNumber, Radio, Select, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { useLabelValues } from '../../api/prometheus';
import type { NoData } from '../../api/types';
import { MatchersEditor } from '../../components/MatchersEditor';
import { useMetricTitle } from '../../components/useMetricTitle';
import { unitOfMetric } from '../../format/numbers';

const COMPARISONS = ['>', '>=', '<', '<=', '==', '!='];
const NO_DATA: NoData[] = ['ok', 'keep', 'alert'];
const SUFFIX: Record<string, string> = { ratio: '%', bytes: 'B', seconds: 's' };

/** A number of minutes. */
function Minutes(props: { value?: number; onChange?: (value: number | null) => void; id?: string }) {
  const { t } = useTranslation();
  return <InputNumber {...props} min={0} max={10_080} suffix={t('rule_form.minutes')} style={{ width: 150 }} />;
}

/** The fields of a threshold rule: what most rules need, and behind a fold what some do. */
export function RuleFields({ taken }: { taken: string[] }) {
  const { t } = useTranslation();
  const titleOf = useMetricTitle();
  const metrics = useLabelValues('__name__');
  const metric = String(Form.useWatch('metric') ?? '');
  const noData = Form.useWatch('no_data') as NoData | undefined;
  const suffix = SUFFIX[unitOfMetric(metric)];
  const title = titleOf(metric);
  const required = [{ required: true, message: t('common.required') }];
  return (
    <>
      <Form.Item
        name="name"
        label={t('rule_form.name')}
        rules={[
          ...required,
          { pattern: /^[\w.:\- \u4e00-\u9fff]+$/, message: t('rule_form.name_rule') },
          { validator: (_rule, name?: string) => (taken.includes(name?.trim() ?? '') ? Promise.reject(new Error(t('rule_form.name_taken'))) : Promise.resolve()) },
        ]}
      >
        <Input autoFocus placeholder="HighCpu" maxLength={120} />
      </Form.Item>
      <Form.Item name="metric" label={t('rule_form.metric')} extra={title === metric ? t('rule_form.metric_hint') : `${title} · ${t('rule_form.metric_hint')}`} rules={required}>
        <AutoComplete
          className="mono"
          showSearch={{ filterOption: (typed, option) => `${String(option?.value)} ${titleOf(String(option?.value))}`.toLowerCase().includes(typed.toLowerCase()) }}
          options={(metrics.data ?? []).map((value) => ({
            value,
            label: (
              <>
                <span className="mono">{value}</span> {titleOf(value) !== value && <span className="faint">{titleOf(value)}</span>}
              </>
            ),
          }))}
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
          <Minutes />
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
      <Collapse
        ghost
        style={{ margin: '0 -12px 8px' }}
        items={[
          {
            key: 'more',
            label: t('rule_form.more'),
            forceRender: true,
            children: (
              <>
                <div className="row" style={{ alignItems: 'flex-start', gap: 20 }}>
                  <Form.Item name="no_data" label={t('rule_form.no_data')} style={{ minWidth: 220 }}>
                    <Select options={NO_DATA.map((value) => ({ value, label: t(`rule_form.no_data_choice.${value}`) }))} />
                  </Form.Item>
                  <Form.Item name="no_data_for_minutes" label={t('rule_form.no_data_for')} hidden={noData !== 'alert'}>
                    <Minutes />
                  </Form.Item>
                </div>
                <Form.Item name="keep_firing_for_minutes" label={t('rule_form.keep_firing')} tooltip={t('rule_form.keep_firing_hint')}>
                  <Minutes />
                </Form.Item>
                <Form.Item name="description" label={t('rule_form.description')}>
                  <Input.TextArea rows={2} maxLength={2000} placeholder={t('common.optional')} />
                </Form.Item>
                <Form.Item name="enabled" label={t('rule_form.enabled')} valuePropName="checked">
                  <Switch />
                </Form.Item>
              </>
            ),
          },
        ]}
      />
    </>
  );
}
