import { DatePicker, Form, Input, Modal, Segmented } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { useChange } from '../api/hooks';
import type { Matcher } from '../api/types';
import { ErrorPanel } from './ErrorPanel';
import { MatchersEditor } from './MatchersEditor';
import { useNotice } from './useNotice';

interface Values {
  matchers: Matcher[];
  times: [Dayjs, Dayjs];
  comment: string;
}

const HOURS = [1, 4, 12, 24, 72];

/** Makes a silence: which alerts, until when, why. */
export function SilenceDialog({ matchers, onClose }: { matchers: Matcher[]; onClose: () => void }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const [form] = Form.useForm<Values>();
  const change = useChange(['alerts', 'overview']);
  const save = ({ matchers: chosen, times: [start, end], comment }: Values) =>
    change.mutate(
      { method: 'POST', path: 'silences', body: { matchers: chosen, starts_at_ms: start.valueOf(), ends_at_ms: end.valueOf(), comment } },
      {
        onSuccess: () => {
          notice.done(t('silences.created'));
          onClose();
        },
      },
    );
  return (
    <Modal open title={t('silences.new')} okText={t('silences.create')} confirmLoading={change.isPending} onOk={form.submit} onCancel={onClose} width={560}>
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{ matchers, times: [dayjs(), dayjs().add(4, 'hour')], comment: '' }}
        onFinish={save}
      >
        <Form.Item
          name="matchers"
          label={t('silences.matchers')}
          extra={t('silences.matchers_hint')}
          rules={[{ validator: (_rule, value: Matcher[]) => (value?.some(({ name, value: text }) => name && text) ? Promise.resolve() : Promise.reject(new Error(t('silences.matchers_needed')))) }]}
        >
          <MatchersEditor />
        </Form.Item>
        <Form.Item label={t('silences.for')} style={{ marginBottom: 6 }}>
          <Segmented
            options={HOURS.map((hours) => ({ value: hours, label: t('silences.hours', { count: hours }) }))}
            defaultValue={4}
            onChange={(hours) => form.setFieldValue('times', [dayjs(), dayjs().add(hours, 'hour')])}
          />
        </Form.Item>
        <Form.Item name="times" rules={[{ required: true, message: t('common.required') }]}>
          <DatePicker.RangePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="comment" label={t('silences.comment')} rules={[{ required: true, message: t('silences.comment_needed') }]}>
          <Input.TextArea rows={2} maxLength={1000} />
        </Form.Item>
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Modal>
  );
}
