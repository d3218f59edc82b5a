import { DatePicker, Form, Input, InputNumber, Select, Switch } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { MaintenanceWindow, Matcher } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { filledIn } from '../../components/MatchedAlerts';
import { MatchersEditor } from '../../components/MatchersEditor';

interface Values {
  name: string;
  cron: string;
  minutes: number;
  time_zone: string;
  matchers: Matcher[];
  comment: string;
  enabled: boolean;
  ends?: Dayjs | null;
}

/** Times that come often, so that nobody has to know cron for them. */
const USUAL = { nightly: '0 2 * * *', sunday: '0 2 * * 0', first: '0 2 1 * *' };

function valuesOf({ duration_secs, ends_at_ms, ...window }: MaintenanceWindow): Values {
  return { ...window, minutes: duration_secs / 60, ends: ends_at_ms ? dayjs(ends_at_ms) : null };
}

/** Makes a maintenance window or changes one. */
export function WindowDialog({ window: changed, onClose }: { window?: MaintenanceWindow; onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const change = useChange(['alerts']);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([own, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
  const save = ({ name, cron, minutes, time_zone, matchers, comment, enabled, ends }: Values) =>
    change.mutate(
      {
        method: changed ? 'PUT' : 'POST',
        path: changed ? `maintenance-windows/${changed.id}` : 'maintenance-windows',
        version: changed?.version,
        body: { name: name.trim(), cron: cron.trim(), time_zone, comment, enabled, duration_secs: Math.round(minutes * 60), matchers: filledIn(matchers), ends_at_ms: ends?.valueOf() ?? null },
      },
      { onSuccess: onClose },
    );
  const required = [{ required: true, message: t('common.required') }];
  return (
    <FormDialog<Values>
      title={changed ? t('windows.edit') : t('windows.new')}
      change={change}
      form={form}
      width={560}
      initialValues={changed ? valuesOf(changed) : { cron: USUAL.sunday, minutes: 120, time_zone: own, matchers: [], comment: '', enabled: true }}
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item name="name" label={t('windows.name')} rules={required}>
        <Input autoFocus maxLength={120} />
      </Form.Item>
      <Form.Item
        name="cron"
        label={t('windows.cron')}
        extra={
          <>
            {t('windows.cron_hint')}{' '}
            {Object.entries(USUAL).map(([key, cron]) => (
              <button key={key} type="button" className="link plain" style={{ marginInlineEnd: 10 }} onClick={() => form.setFieldValue('cron', cron)}>
                {t(`windows.usual.${key}`)}
              </button>
            ))}
          </>
        }
        rules={required}
      >
        <Input className="mono" />
      </Form.Item>
      <div className="row" style={{ columnGap: 16, rowGap: 0 }}>
        <Form.Item name="minutes" label={t('windows.duration')} rules={required}>
          <InputNumber min={1} max={10_080} suffix={t('rule_form.minutes')} style={{ width: 150 }} />
        </Form.Item>
        <Form.Item name="time_zone" label={t('windows.time_zone')} rules={required} style={{ flex: 1, minWidth: 200 }}>
          <Select showSearch options={zones.map((value) => ({ value, label: value }))} />
        </Form.Item>
      </div>
      <Form.Item name="matchers" label={t('silences.matchers')} extra={t('windows.matchers_hint')}>
        <MatchersEditor />
      </Form.Item>
      <Form.Item name="comment" label={t('silences.comment')}>
        <Input.TextArea rows={2} maxLength={1000} />
      </Form.Item>
      <div className="row" style={{ columnGap: 16, rowGap: 0, alignItems: 'flex-start' }}>
        <Form.Item name="ends" label={t('windows.ends')}>
          <DatePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" placeholder={t('windows.never')} />
        </Form.Item>
        <Form.Item name="enabled" label={t('channels.enabled')} valuePropName="checked">
          <Switch />
        </Form.Item>
      </div>
    </FormDialog>
  );
}
