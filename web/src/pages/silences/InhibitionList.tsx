import { PlusOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '../../api/session';
import type { Inhibition } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { EnabledName } from '../../components/EnabledName';
import { Matchers } from '../../components/Labels';
import { RowActions } from '../../components/RowActions';
import { useEditedRows } from '../../components/useEditedRows';
import { useListState } from '../../components/useListState';
import { InhibitionDialog } from './InhibitionDialog';

/** Which alerts hold which others back while they fire. */
export function InhibitionList() {
  const { t } = useTranslation();
  const mayEdit = useMay('silences:write');
  const rows = useEditedRows<Inhibition>('inhibitions', ['alerts'], t('common.done'));
  const state = useListState({ sort: 'name' }, 'i_');
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={rows.make}>
      {t('inhibitions.new')}
    </Button>
  );
  return (
    <>
      <p className="faint" style={{ marginTop: 0 }}>{t('inhibitions.hint')}</p>
      <DataTable<Inhibition>
        path="inhibitions"
        state={state}
        rowKey={({ id }) => id}
        toolbar={add}
        empty={<EmptyHint title={t('inhibitions.empty')} hint={t('inhibitions.empty_hint')} />}
        columns={[
          {
            key: 'name',
            title: t('windows.name'),
            sortable: true,
            narrow: 'title',
            render: (row) => <EnabledName {...row} />,
          },
          { key: 'source', title: t('inhibitions.source'), render: (row) => <div style={{ maxWidth: 300 }}><Matchers matchers={row.source} /></div> },
          { key: 'target', title: t('inhibitions.target'), render: (row) => <div style={{ maxWidth: 300 }}><Matchers matchers={row.target} /></div> },
          { key: 'equal', title: t('inhibitions.equal'), render: (row) => <span className="mono">{row.equal.join(', ')}</span> },
          { key: 'now', title: t('inhibitions.now'), render: (row) => (row.sources > 0 ? t('inhibitions.holding', { sources: row.sources, held: row.held }) : t('rules.quiet')) },
          { key: 'created_by', title: t('silences.author'), render: (row) => row.created_by },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              mayEdit ? <RowActions onEdit={() => rows.edit(row)} onRemove={() => rows.remove(row)} question={t('inhibitions.delete_confirm')} /> : null,
          },
        ]}
      />
      {rows.isOpen && <InhibitionDialog inhibition={rows.row} onClose={rows.close} />}
    </>
  );
}
