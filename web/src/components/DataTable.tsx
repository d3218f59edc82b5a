import { Grid, Table } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useList } from '../api/hooks';
import type { Cell } from '../format/csv';
import { NOTHING } from '../format/numbers';
import { CardList } from './CardList';
import { ErrorPanel } from './ErrorPanel';
import { ListToolbar, type ListFilter } from './ListToolbar';
import type { ListState } from './useListState';

export interface Column<T> {
  /** Also the field that the server sorts by. */
  key: string;
  title: string;
  /** What it shows of a row, among all rows of the page. */
  render: (row: T, rows: readonly T[]) => ReactNode;
  sortable?: boolean;
  width?: number | string;
  align?: 'right';
  /** What the export writes; columns without it are left out there. */
  csv?: (row: T) => Cell;
  /** On a phone: the heading of the card, or not shown. */
  narrow?: 'title' | 'hidden';
  /** Not shown at all, only exported. */
  hidden?: boolean;
  /** Stays in sight while the others are scrolled sideways. */
  fixed?: 'left' | 'right';
}

interface Props<T> {
  path: string;
  state: ListState;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  empty: ReactNode;
  filters?: ListFilter[];
  searchable?: boolean;
  searchLabel?: string;
  exportName?: string;
  toolbar?: ReactNode;
  expand?: (row: T) => ReactNode;
  /** Whether every row is open from the start, or which ones are. */
  expanded?: boolean | ((row: T) => boolean);
  refetchInterval?: number;
}

/** What a column shows of a row; where there is nothing, a dash says so. */
export function shownOf<T>({ title, render }: Column<T>, row: T, rows: readonly T[]): ReactNode {
  const content = render(row, rows);
  const isNothing = content === null || content === undefined || content === '' || content === false;
  return isNothing && title ? <span className="faint">{NOTHING}</span> : content;
}

/** A list that the server pages, filters and sorts: a table, or cards on a phone. */
export function DataTable<T extends object>(props: Props<T>) {
  const { path, state, rowKey, empty, expand, expanded, refetchInterval } = props;
  const columns = props.columns.filter(({ hidden }) => !hidden);
  const { t } = useTranslation();
  const narrow = Grid.useBreakpoint().md === false;
  const list = useList<T>(path, state.query, { refetchInterval });
  // What was there stays while the server cannot be reached.
  const shown = !list.error || list.data !== undefined;
  const sort = String(state.query.sort ?? '');
  const pagination = {
    current: Number(state.query.page),
    pageSize: Number(state.query.page_size),
    total: list.data?.total ?? 0,
    hideOnSinglePage: (list.data?.total ?? 0) <= 20,
    showSizeChanger: true,
    pageSizeOptions: [20, 50, 100, 200],
    showTotal: (total: number) => t('common.total', { count: total }),
    size: 'small' as const,
  };

  return (
    <>
      <ListToolbar {...props} total={list.data?.total ?? 0} />
      {list.error && <ErrorPanel error={list.error} retry={() => void list.refetch()} stale={list.data !== undefined} />}
      {shown && narrow && (
        <CardList
          rows={list.data?.items}
          columns={columns}
          rowKey={rowKey}
          empty={empty}
          expand={expand}
          pagination={{ ...pagination, onChange: (page, page_size) => state.change({ page, page_size }) }}
        />
      )}
      {shown && !narrow && (
        <Table<T>
          // Rows are opened when the table is made, so it is made anew once there are rows.
          key={expanded && list.data ? 'filled' : 'empty'}
          size="small"
          rowKey={rowKey}
          dataSource={list.data?.items}
          loading={list.isPending}
          locale={{ emptyText: list.isPending ? ' ' : empty }}
          scroll={{ x: 'max-content' }}
          expandable={
            expand && {
              expandedRowRender: (row: T) => <div className="opened">{expand(row)}</div>,
              defaultExpandAllRows: expanded === true,
              defaultExpandedRowKeys: typeof expanded === 'function' ? list.data?.items.filter(expanded).map(rowKey) : undefined,
            }
          }
          pagination={pagination}
          columns={columns.map((column) => ({
            key: column.key,
            title: column.title,
            width: column.width,
            align: column.align,
            fixed: column.fixed,
            render: (_value: unknown, row: T) => shownOf(column, row, list.data?.items ?? []),
            sorter: column.sortable,
            showSorterTooltip: false,
            sortOrder: sort === column.key ? ('ascend' as const) : sort === `-${column.key}` ? ('descend' as const) : null,
          }))}
          onChange={({ current, pageSize }, _filters, sorter, { action }) => {
            if (action === 'paginate') state.change({ page: current, page_size: pageSize });
            if (action === 'sort' && !Array.isArray(sorter)) {
              state.change({ sort: sorter.order ? `${sorter.order === 'descend' ? '-' : ''}${String(sorter.columnKey)}` : '' });
            }
          }}
        />
      )}
    </>
  );
}
