import { Form, Input, InputNumber, Modal, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Matcher } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { MatchersEditor } from '../../components/MatchersEditor';

interface Values {
  name: string;
  cron: string;
  minutes: number;
  time_zone: string;
  matchers: Matcher[];
  comment: string;
}

export function WindowDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const change = useChange(['alerts']);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([own, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
  const save = ({ minutes, matchers, ...rest }: Values) =>
    change.mutate(
      {
        method: 'POST',
        path: 'maintenance-windows',
        body: { ...rest, duration_secs: Math.round(minutes * 60), matchers: matchers.filter(({ name, value }) => name && value) },
      },
      { onSuccess: onClose },
    );
  const required = [{ required: true, message: t('common.required') }];
  return (
    <Modal open title={t('windows.new')} okText={t('common.save')} confirmLoading={change.isPending} onOk={form.submit} onCancel={onClose} width={560}>
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{ cron: '0 2 * * 0', minutes: 120, time_zone: own, matchers: [], comment: '' }}
        onFinish={save}
      >
        <Form.Item name="name" label={t('windows.name')} rules={required}>
          <Input autoFocus maxLength={120} />
        </Form.Item>
        <Form.Item name="cron" label={t('windows.cron')} extra={t('windows.cron_hint')} rules={required}>
          <Input className="mono" />
        </Form.Item>
        <div className="row" style={{ gap: 16 }}>
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
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Modal>
  );
}
