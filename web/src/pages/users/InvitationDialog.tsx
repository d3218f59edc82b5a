import { Form, InputNumber, Modal, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Invitation, Role } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { ShownOnce } from '../../components/ShownOnce';

/** Makes an invitation and shows its link, once. */
export function InvitationDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<{ role: Role; valid_hours: number }>();
  const change = useChange<Invitation & { code: string }>();
  const made = change.data;
  return (
    <Modal
      open
      title={t('invitations.new')}
      okText={made ? t('common.close') : t('invitations.create')}
      cancelButtonProps={made ? { style: { display: 'none' } } : undefined}
      confirmLoading={change.isPending}
      onOk={made ? onClose : form.submit}
      onCancel={onClose}
    >
      {made ? (
        <ShownOnce text={`${window.location.origin}/register?code=${encodeURIComponent(made.code)}`} hint={t('invitations.shown_once')} />
      ) : (
        <Form form={form} layout="vertical" initialValues={{ role: 'viewer', valid_hours: 72 }} onFinish={(body) => change.mutate({ method: 'POST', path: 'invitations', body })}>
          <Form.Item name="role" label={t('users.role')}>
            <Radio.Group optionType="button" options={(['admin', 'operator', 'viewer'] as const).map((value) => ({ value, label: t(`roles.${value}`) }))} />
          </Form.Item>
          <Form.Item name="valid_hours" label={t('invitations.valid')}>
            <InputNumber min={1} max={720} suffix={t('invitations.hours')} style={{ width: 160 }} />
          </Form.Item>
        </Form>
      )}
      {change.error && <ErrorPanel error={change.error} />}
    </Modal>
  );
}
