import { CaretRightOutlined, DeleteOutlined, PoweroffOutlined, ReloadOutlined } from '@ant-design/icons';
import { Alert, Button, Form, Input, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange, useList } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { CloudOrder, CloudServer, CloudServerAction, CloudServerActionRequest } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { useConfirm } from '../../components/useConfirm';
import { useNotice } from '../../components/useNotice';
import { OrderProgress, OrderStateMark } from './OrderMarks';
import { actionsFor } from './serverValues';

const REFRESHED = ['cloud-orders', 'cloud-servers', 'servers'];
const REFRESH_MS = 5_000;
const ICONS = { start: <CaretRightOutlined />, stop: <PoweroffOutlined />, restart: <ReloadOutlined />, delete: <DeleteOutlined /> };

/** What is under way with servers of clouds, by their names. */
export function useOrdersUnderWay(enabled = true): Map<string, CloudOrder> {
  const orders = useList<CloudOrder>('cloud-orders', { open: true, page_size: 500 }, { refetchInterval: REFRESH_MS, enabled });
  return new Map((orders.data?.items ?? []).filter(({ action }) => action !== 'create').map((order) => [order.server, order]));
}

/** Buttons that start, stop, restart and delete a server, or how far that is which was ordered last. */
export function ServerActions({ server, underWay, size }: { server: Pick<CloudServer, 'server' | 'state'>; underWay?: CloudOrder; size?: 'small' }) {
  const { t } = useTranslation();
  const may = useMay('servers:manage');
  const confirm = useConfirm();
  const notice = useNotice();
  const change = useChange<CloudOrder>(REFRESHED);
  const [deleting, setDeleting] = useState(false);
  const { server: name } = server;
  if (underWay) {
    return (
      <Space size={8} wrap>
        <span className="faint">{t(`cloud_orders.action.${underWay.action}`)}</span>
        <OrderStateMark order={underWay} />
        <OrderProgress order={underWay} />
      </Space>
    );
  }
  if (!may) return null;
  const order = (action: CloudServerAction) => {
    const body: CloudServerActionRequest = { action };
    const placed = () => notice.done(t('cloud_orders.placed_notice', { action: t(`cloud_orders.action.${action}`), name }));
    change.mutate({ method: 'POST', path: pathOf(name), body }, { onSuccess: placed, onError: notice.failed });
  };
  const begin = (action: CloudServerAction) => {
    if (action === 'delete') setDeleting(true);
    else if (action === 'start') order(action);
    else confirm({ title: t(`cloud_orders.confirm_${action}`, { name }), okText: t(`cloud_orders.action.${action}`) }, () => Promise.resolve(order(action)));
  };
  return (
    <>
      <Space size={6} wrap>
        {actionsFor(server.state).map((action) => (
          <Button key={action} size={size} icon={ICONS[action]} danger={action === 'delete'} disabled={change.isPending} title={t(`cloud_orders.action.${action}`)} aria-label={`${t(`cloud_orders.action.${action}`)} ${name}`} onClick={() => begin(action)}>
            {size ? null : t(`cloud_orders.action.${action}`)}
          </Button>
        ))}
      </Space>
      {deleting && <DeleteServerDialog name={name} onClose={() => setDeleting(false)} />}
    </>
  );
}

/** Deletes a server whose name is typed once more. */
function DeleteServerDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange<CloudOrder>(REFRESHED);
  const remove = ({ confirmation }: { confirmation: string }) => {
    const body: CloudServerActionRequest = { action: 'delete', confirmation };
    const placed = () => {
      notice.done(t('cloud_orders.placed_notice', { action: t('cloud_orders.action.delete'), name }));
      onClose();
    };
    change.mutate({ method: 'POST', path: pathOf(name), body }, { onSuccess: placed });
  };
  return (
    <FormDialog<{ confirmation: string }> title={t('cloud_orders.delete_title', { name })} okText={t('cloud_orders.delete_do')} change={change} onSubmit={remove} onClose={onClose}>
      <Alert type="warning" showIcon title={t('cloud_orders.delete_warning')} style={{ marginBottom: 16 }} />
      <Form.Item
        name="confirmation"
        label={t('cloud_orders.delete_type', { name })}
        rules={[{ required: true, message: t('common.required') }, { validator: (_rule, value?: string) => (!value || value === name ? Promise.resolve() : Promise.reject(new Error(t('cloud_orders.delete_wrong')))) }]}
        validateTrigger="onSubmit"
      >
        <Input autoFocus />
      </Form.Item>
    </FormDialog>
  );
}

const pathOf = (name: string) => `cloud-servers/${encodeURIComponent(name)}/actions`;
