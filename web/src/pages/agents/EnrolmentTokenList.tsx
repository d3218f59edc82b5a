import { PlusOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { EnrolmentToken } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { RowActions } from '../../components/RowActions';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { formatNumber } from '../../format/numbers';
import { AddServerDialog } from '../servers/AddServerDialog';

/** The tokens with which machines join: until when, and how many have. */
export function EnrolmentTokenList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const state = useListState({ sort: '-created_at_ms' }, 't_');
  const [adding, setAdding] = useState(false);
  const revoke = ({ id }: EnrolmentToken) => change.mutate({ method: 'DELETE', path: `agents/enrolment-tokens/${id}` }, { onError: notice.failed });
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
      {t('add_server.title')}
    </Button>
  );
  return (
    <>
      <DataTable<EnrolmentToken>
        path="agents/enrolment-tokens"
        state={state}
        rowKey={({ id }) => id}
        searchLabel={t('enrolment_tokens.search')}
        toolbar={add}
        empty={<EmptyHint title={t('enrolment_tokens.empty')} hint={t('enrolment_tokens.empty_hint')} />}
        columns={[
          { key: 'name', title: t('tokens.name'), sortable: true, narrow: 'title', csv: ({ name }) => name, render: ({ name }) => <strong style={{ overflowWrap: 'anywhere' }}>{name}</strong> },
          { key: 'state', title: t('enrolment_tokens.state'), sortable: true, narrow: 'title', csv: (row) => row.state, render: (row) => <Tag color={row.state === 'open' ? 'success' : undefined}>{t(`enrolment_tokens.states.${row.state}`)}</Tag> },
          {
            key: 'used',
            title: t('enrolment_tokens.used'),
            csv: ({ used, uses }) => `${used}/${uses ?? ''}`,
            render: ({ used, uses }) => (
              <span className="num">{uses ? t('enrolment_tokens.used_of', { used: formatNumber(used), uses: formatNumber(uses) }) : t('enrolment_tokens.used_of_any', { used: formatNumber(used) })}</span>
            ),
          },
          {
            key: 'tags',
            title: t('enrolment_tokens.tags'),
            csv: ({ tags }) => Object.entries(tags).map(([name, value]) => `${name}=${value}`).join(' '),
            render: ({ tags }) => (
              <span className="labels">
                {Object.entries(tags).map(([name, value]) => (
                  <span key={name} className="label mono">
                    {name}={value}
                  </span>
                ))}
              </span>
            ),
          },
          { key: 'created_by', title: t('enrolment_tokens.by'), csv: (row) => row.created_by, render: (row) => row.created_by },
          { key: 'created_at_ms', title: t('users.created'), sortable: true, csv: (row) => new Date(row.created_at_ms).toISOString(), render: (row) => <TimeText ms={row.created_at_ms} /> },
          { key: 'expires_at_ms', title: t('invitations.expires'), sortable: true, csv: (row) => new Date(row.expires_at_ms).toISOString(), render: (row) => <TimeText ms={row.expires_at_ms} /> },
          { key: 'actions', title: '', fixed: 'right', render: (row) => <RowActions onRemove={() => revoke(row)} removeText={t('tokens.revoke')} question={t('enrolment_tokens.revoke_confirm', { name: row.name })} /> },
        ]}
      />
      {adding && <AddServerDialog onClose={() => setAdding(false)} />}
    </>
  );
}
