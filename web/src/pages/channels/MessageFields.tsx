// What the messages of a channel say: their language, and templates with a preview.
import { EyeOutlined } from '@ant-design/icons';
import { Button, Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { ErrorPanel } from '../../components/ErrorPanel';

/** The parts of a channel that say how its messages read. */
export interface MessageValues {
  language?: string | null;
  title_template?: string | null;
  body_template?: string | null;
}

interface Preview {
  title: string;
  body: string;
}

/** Kinds whose messages are data, which have no words. */
export const DATA_KINDS = ['webhook', 'pubsub'];

const EXAMPLE = '{{ range .Alerts }}{{ .Labels.server }}: {{ .Annotations.summary }}\n{{ end }}';

/** What to send: an empty template is none. */
export function writeMessage(values: MessageValues): MessageValues {
  return {
    language: values.language || null,
    title_template: values.title_template?.trim() ? values.title_template : null,
    body_template: values.body_template?.trim() ? values.body_template : null,
  };
}

/** Fields of the channel's form; the preview shows a sample alert in what was typed so far. */
export function MessageFields({ kind }: { kind: string }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<MessageValues>();
  const preview = useChange<Preview>();
  const isData = DATA_KINDS.includes(kind);
  const show = () => {
    const values = form.getFieldsValue(['language', 'title_template', 'body_template']) as MessageValues;
    preview.mutate({ method: 'POST', path: 'channels/preview', body: { kind, ...writeMessage(isData ? {} : values) } });
  };
  return (
    <>
      {!isData && (
        <>
          <Form.Item name="language" label={t('channels.message.language')}>
            <Select
              allowClear
              placeholder={t('channels.message.usual_language')}
              options={[
                { value: 'zh-CN', label: '简体中文' },
                { value: 'en', label: 'English' },
              ]}
            />
          </Form.Item>
          <Form.Item name="title_template" label={t('channels.message.title')}>
            <Input className="mono" placeholder="{{ .CommonLabels.alertname }}: {{ len .Alerts.Firing }}" autoComplete="off" />
          </Form.Item>
          <Form.Item name="body_template" label={t('channels.message.body')} extra={t('channels.message.hint')}>
            <Input.TextArea className="mono" placeholder={EXAMPLE} autoSize={{ minRows: 3, maxRows: 12 }} />
          </Form.Item>
        </>
      )}
      <Button icon={<EyeOutlined />} loading={preview.isPending} onClick={show}>
        {t('channels.message.preview')}
      </Button>
      {preview.error && <ErrorPanel error={preview.error} />}
      {preview.data && !preview.error && (
        <div role="status" aria-label={t('channels.message.preview')} style={{ marginTop: 12, maxHeight: 320, overflow: 'auto' }}>
          <strong>{preview.data.title}</strong>
          <pre style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', margin: '6px 0 0' }}>{preview.data.body}</pre>
        </div>
      )}
    </>
  );
}
