import { EyeInvisibleOutlined, EyeOutlined, PauseCircleOutlined } from '@ant-design/icons';
import { Button, Input, Modal, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../api/hooks';
import { useMay } from '../api/session';
import type { AlertRow } from '../api/types';
import { SilenceDialog } from './SilenceDialog';
import { useNotice } from './useNotice';

/** Labels by which nobody tells one alert from another. */
const SAYS_LITTLE = /^(?:alertname|severity|provider|account|region|tag_.*)$/;

/** What one can do about an alert: say that one is on it, or silence it. */
export function AlertActions({ alert, compact }: { alert: AlertRow; compact?: boolean }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayAcknowledge = useMay('alerts:acknowledge');
  const maySilence = useMay('silences:write');
  const change = useChange(['overview']);
  const [asking, setAsking] = useState(false);
  const [silencing, setSilencing] = useState(false);
  const [comment, setComment] = useState('');
  if (alert.state === 'resolved') return null;

  const path = `alerts/${alert.id}/acknowledge`;
  const acknowledge = () =>
    change.mutate(
      { method: 'POST', path, body: { comment } },
      {
        onSuccess: () => {
          setAsking(false);
          notice.done(t('alerts.acknowledged_done'));
        },
        onError: notice.failed,
      },
    );
  const takeBack = () => change.mutate({ method: 'DELETE', path }, { onError: notice.failed });
  const matchers = ['alertname', ...Object.keys(alert.labels).filter((name) => !SAYS_LITTLE.test(name))]
    .map((name) => ({ name, op: '=' as const, value: name === 'alertname' ? alert.rule : alert.labels[name] }));
  const size = compact ? 'small' : 'middle';

  return (
    <Space size={6}>
      {mayAcknowledge && alert.state === 'firing' && (
        <Button size={size} type={compact ? 'default' : 'primary'} icon={<EyeOutlined />} onClick={() => setAsking(true)}>
          {t('alerts.acknowledge')}
        </Button>
      )}
      {mayAcknowledge && alert.state === 'acknowledged' && !compact && (
        <Button icon={<EyeInvisibleOutlined />} loading={change.isPending} onClick={takeBack}>
          {t('alerts.take_back')}
        </Button>
      )}
      {maySilence && (
        <Button size={size} icon={<PauseCircleOutlined />} onClick={() => setSilencing(true)}>
          {t('alerts.silence')}
        </Button>
      )}
      <Modal
        open={asking}
        title={t('alerts.acknowledge_title', { rule: alert.rule })}
        okText={t('alerts.acknowledge')}
        confirmLoading={change.isPending}
        onOk={acknowledge}
        onCancel={() => setAsking(false)}
        width={460}
      >
        <p className="faint">{t('alerts.acknowledge_hint')}</p>
        <Input.TextArea
          autoFocus
          rows={3}
          maxLength={1000}
          aria-label={t('alerts.comment')}
          placeholder={t('alerts.comment')}
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
      </Modal>
      {silencing && <SilenceDialog matchers={matchers} onClose={() => setSilencing(false)} />}
    </Space>
  );
}
