import { CheckCircleFilled, LoadingOutlined } from '@ant-design/icons';
import { Alert, Form, Input, InputNumber, Select, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useChange, useList, useResource } from '../../api/hooks';
import type { Agent, CreatedEnrolmentToken, JoinInfo } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { FormDialog } from '../../components/FormDialog';
import { TimeText } from '../../components/TimeText';
import { joinCommand } from './joinCommand';

interface Values {
  hours: number;
  uses: number | null;
  name: string;
}

const HOUR_MS = 3_600_000;
const HOURS = [2, 24, 7 * 24, 30 * 24];
const POLL_MS = 3000;

/** Makes a token with which machines join, shows the one line to run there, and waits for them. */
export function AddServerDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const join = useResource<JoinInfo>('agents/join');
  const change = useChange<CreatedEnrolmentToken>();
  const command = change.data && join.data && joinCommand(window.location.origin, join.data, change.data.token);
  const save = ({ hours, uses, name }: Values) =>
    change.mutate({ method: 'POST', path: 'agents/enrolment-tokens', body: { name: name.trim(), expires_at_ms: Date.now() + hours * HOUR_MS, uses: uses ?? null } });
  return (
    <FormDialog<Values>
      title={t('add_server.title')}
      okText={t('add_server.make')}
      change={change}
      width={680}
      initialValues={{ hours: 24, uses: 1, name: t('add_server.usual_name') }}
      made={
        command &&
        change.data && {
          text: command.text,
          hint: t('add_server.shown_once'),
          more: (
            <>
              <p className="faint" style={{ margin: 0 }}>
                {t('add_server.ends')} <TimeText ms={change.data.expires_at_ms} absolute /> · {change.data.uses ? t('add_server.for_machines', { count: change.data.uses }) : t('add_server.unlimited')}
              </p>
              {command.isOwn && <Alert type="info" showIcon title={t('add_server.own_address')} />}
              {command.isPlain && <Alert type="warning" showIcon title={t('add_server.plain')} />}
              <Waiting token={change.data.id} />
            </>
          ),
        }
      }
      onSubmit={save}
      onClose={onClose}
    >
      <p style={{ marginTop: 0 }}>{t('add_server.hint')}</p>
      <Form.Item name="uses" label={t('add_server.uses')} extra={t('add_server.uses_hint')}>
        <InputNumber min={1} max={100_000} precision={0} style={{ width: 160 }} />
      </Form.Item>
      <Form.Item name="hours" label={t('add_server.valid')}>
        <Select style={{ width: 160 }} options={HOURS.map((value) => ({ value, label: value < 24 ? t('add_server.hours', { count: value }) : t('tokens.days', { count: value / 24 }) }))} />
      </Form.Item>
      <Form.Item name="name" label={t('add_server.name')} extra={t('add_server.name_hint')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}>
        <Input maxLength={100} />
      </Form.Item>
      {join.error && <ErrorPanel error={join.error} />}
    </FormDialog>
  );
}

/** Says that nobody has joined with the token yet, and then who has. */
function Waiting({ token }: { token: string }) {
  const { t } = useTranslation();
  const { token: colours } = theme.useToken();
  const agents = useList<Agent>('agents', { enrolment_token: token, sort: '-enrolled_at_ms', page_size: 5 }, { refetchInterval: POLL_MS });
  const joined = agents.data?.items ?? [];
  return (
    <div role="status" className="stack" style={{ gap: 6 }}>
      {joined.length === 0 && (
        <span>
          <LoadingOutlined /> {t('add_server.waiting')}
        </span>
      )}
      {joined.map(({ id, name, last_seen_ms }) => (
        <span key={id}>
          {last_seen_ms ? <CheckCircleFilled style={{ color: colours.colorSuccess }} /> : <LoadingOutlined />}{' '}
          <Link className="link" to={`/servers/${encodeURIComponent(name)}`}>
            {name}
          </Link>{' '}
          {t(last_seen_ms ? 'add_server.reported' : 'add_server.joined')}
        </span>
      ))}
    </div>
  );
}
