import { Button, DatePicker, Form, Input, Space } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { useChange } from '../api/hooks';
import type { Matcher, Silence, SilenceSpec } from '../api/types';
import { FormDialog } from './FormDialog';
import { filledIn, MatchedAlerts } from './MatchedAlerts';
import { MatchersEditor } from './MatchersEditor';
import { useNotice } from './useNotice';

interface Values {
  matchers: Matcher[];
  times: [Dayjs, Dayjs];
  comment: string;
}

const HOURS = [1, 4, 12, 24, 72];

interface Props {
  /** What a new silence starts with. */
  matchers?: Matcher[];
  /** The one to change; without it a new one is made. */
  silence?: Silence;
  onClose: () => void;
}

/** Makes a silence or changes one: which alerts, until when, why. */
export function SilenceDialog({ matchers = [], silence, onClose }: Props) {
  const { t } = useTranslation();
  const notice = useNotice();
  const [form] = Form.useForm<Values>();
  const chosen = Form.useWatch('matchers', form);
  const change = useChange(['alerts', 'overview']);
  const begun = silence !== undefined && silence.starts_at_ms <= Date.now();
  const save = ({ matchers: conditions, times: [start, end], comment }: Values) => {
    // A beginning that lies in the past means "now", or "as it was".
    const starts_at_ms = start.valueOf() > Date.now() ? start.valueOf() : undefined;
    const body: SilenceSpec = { matchers: filledIn(conditions), starts_at_ms, ends_at_ms: end.valueOf(), comment: comment.trim() };
    change.mutate(
      { method: silence ? 'PUT' : 'POST', path: silence ? `silences/${silence.id}` : 'silences', version: silence?.version, body },
      {
        onSuccess: () => {
          notice.done(t(silence ? 'common.saved' : 'silences.created'));
          onClose();
        },
      },
    );
  };
  const last = (hours: number) => {
    const start = begun ? dayjs(silence.starts_at_ms) : dayjs();
    form.setFieldValue('times', [start, dayjs().add(hours, 'hour')]);
  };
  return (
    <FormDialog<Values>
      title={t(silence ? 'silences.edit' : 'silences.new')}
      okText={t(silence ? 'common.save' : 'silences.create')}
      change={change}
      form={form}
      width={560}
      initialValues={
        silence
          ? { matchers: silence.matchers, times: [dayjs(silence.starts_at_ms), dayjs(silence.ends_at_ms)], comment: silence.comment }
          : { matchers, times: [dayjs(), dayjs().add(4, 'hour')], comment: '' }
      }
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item
        name="matchers"
        label={t('silences.matchers')}
        extra={t('silences.matchers_hint')}
        rules={[{ validator: (_rule, value: Matcher[]) => (filledIn(value).length > 0 ? Promise.resolve() : Promise.reject(new Error(t('silences.matchers_needed')))) }]}
      >
        <MatchersEditor />
      </Form.Item>
      <MatchedAlerts matchers={chosen} />
      <Form.Item label={t(begun ? 'silences.from_now' : 'silences.for')} style={{ marginBottom: 6 }}>
        <Space.Compact block style={{ maxWidth: 420 }}>
          {HOURS.map((hours) => (
            <Button key={hours} style={{ flex: 1, paddingInline: 4 }} onClick={() => last(hours)}>
              {t('silences.hours', { count: hours })}
            </Button>
          ))}
        </Space.Compact>
      </Form.Item>
      <Form.Item name="times" rules={[{ required: true, message: t('common.required') }]}>
        <DatePicker.RangePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" disabled={[begun, false]} style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item name="comment" label={t('silences.comment')} rules={[{ required: true, whitespace: true, message: t('silences.comment_needed') }]}>
        <Input.TextArea rows={2} maxLength={1000} />
      </Form.Item>
    </FormDialog>
  );
}
