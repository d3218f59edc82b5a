import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useList } from '../../api/hooks';
import type { Channel, NotificationEntry } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';

const COLOURS: Record<string, string> = { sent: 'green', pending: 'gold', sending: 'blue', failed: 'red', merged: 'default', held: 'purple', dropped: 'default' };
const STATES = Object.keys(COLOURS);

/** Every notification and what became of it. */
export function NotificationLog() {
  const { t } = useTranslation();
  const state = useListState({ sort: '-created_at_ms', state: '', channel: '' }, 'n_');
  const channels = useList<Channel>('channels', { page_size: 500, sort: 'name' });
  const text = (name: string) => (STATES.includes(name) ? t(`notifications.state.${name}`) : name);
  return (
    <DataTable<NotificationEntry>
      path="notifications"
      state={state}
      rowKey={({ id }) => id}
      exportName="notifications"
      refetchInterval={30_000}
      filters={[
        { name: 'state', label: t('alerts.state'), options: STATES.map((value) => ({ value, label: text(value) })) },
        { name: 'channel', label: t('notifications.channel'), options: (channels.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name })) },
      ]}
      empty={<EmptyHint title={t('notifications.empty')} hint={t('notifications.empty_hint')} />}
      columns={[
        { key: 'state', title: t('alerts.state'), sortable: true, narrow: 'title', csv: (row) => row.state, render: (row) => <Tag color={COLOURS[row.state]}>{text(row.state)}</Tag> },
        { key: 'created_at_ms', title: t('notifications.created'), sortable: true, csv: (row) => new Date(row.created_at_ms).toISOString(), render: (row) => <TimeText ms={row.created_at_ms} absolute /> },
        { key: 'channel', title: t('notifications.channel'), narrow: 'title', csv: (row) => row.channel, render: (row) => row.channel },
        { key: 'summary', title: t('notifications.summary'), csv: (row) => row.summary, render: (row) => <div style={{ maxWidth: 280, minWidth: 160, overflowWrap: 'anywhere' }}>{row.summary}</div> },
        { key: 'attempts', title: t('notifications.attempts'), align: 'right', csv: (row) => row.attempts, render: (row) => row.attempts },
        { key: 'sent_at_ms', title: t('notifications.sent'), render: (row) => <TimeText ms={row.sent_at_ms ?? (row.state === 'pending' || row.state === 'held' ? row.next_attempt_ms : undefined)} /> },
        { key: 'answer', title: t('channels.answer'), csv: (row) => row.answer, render: (row) => row.answer && <div className="mono" style={{ maxWidth: 240 }}>{row.answer}</div> },
      ]}
    />
  );
}
