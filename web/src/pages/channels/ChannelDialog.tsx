import { Form, Input, InputNumber, Modal, Select, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Channel } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { type ChannelField, KINDS, toConfig, toValues } from './channelFields';

interface Values {
  name: string;
  enabled: boolean;
  config: Record<string, unknown>;
}

/** Makes a channel or changes one. */
export function ChannelDialog({ channel, onClose }: { channel?: Channel; onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const [kind, setKind] = useState(channel?.kind ?? 'email');
  const change = useChange();
  const save = ({ name, enabled, config }: Values) =>
    change.mutate(
      {
        method: channel ? 'PUT' : 'POST',
        path: channel ? `channels/${channel.id}` : 'channels',
        body: { name: name.trim(), kind, enabled, config: toConfig(kind, config, channel?.config) },
      },
      { onSuccess: onClose },
    );
  const required = [{ required: true, message: t('common.required') }];
  return (
    <Modal
      open
      title={channel ? t('channels.edit_title', { name: channel.name }) : t('channels.new')}
      okText={t('common.save')}
      confirmLoading={change.isPending}
      onOk={form.submit}
      onCancel={onClose}
      width={560}
    >
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{ name: channel?.name ?? '', enabled: channel?.enabled ?? true, config: toValues(kind, channel?.config ?? {}) }}
        onFinish={save}
      >
        <Form.Item label={t('channels.kind.title')}>
          <Select
            disabled={channel !== undefined}
            value={kind}
            options={Object.keys(KINDS).map((value) => ({ value, label: t(`channels.kind.${value}`) }))}
            onChange={(chosen: string) => {
              setKind(chosen);
              form.setFieldValue('config', toValues(chosen, {}));
            }}
          />
        </Form.Item>
        <Form.Item name="name" label={t('channels.name')} rules={required}>
          <Input maxLength={120} />
        </Form.Item>
        {(KINDS[kind] ?? []).map((field) => (
          <Form.Item
            key={`${kind}.${field.name}`}
            name={['config', field.name]}
            label={t(`channels.field.${field.name}`)}
            rules={field.required && !(channel && field.type === 'secret') ? required : []}
            extra={channel && field.type === 'secret' ? t('channels.secret_kept') : undefined}
          >
            <Field field={field} />
          </Form.Item>
        ))}
        <Form.Item name="enabled" label={t('channels.enabled')} valuePropName="checked">
          <Switch />
        </Form.Item>
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Modal>
  );
}

function Field({ field: { type, placeholder, choices }, ...props }: { field: ChannelField; value?: unknown; id?: string; onChange?: (value: unknown) => void }) {
  const { t } = useTranslation();
  const text = { ...props, value: props.value as string, placeholder };
  switch (type) {
    case 'secret':
      return <Input.Password {...text} autoComplete="off" />;
    case 'list':
      return <Input.TextArea {...text} rows={3} />;
    case 'number':
      return <InputNumber {...props} value={props.value as number} min={1} max={65_535} style={{ width: 140 }} />;
    case 'switch':
      return <Switch id={props.id} checked={props.value === true} onChange={props.onChange} />;
    case 'choice':
      return <Select {...props} value={props.value as string} options={choices?.map((value) => ({ value, label: t(`channels.choice.${value}`) }))} />;
    default:
      return <Input {...text} autoComplete="off" />;
  }
}
