import { Card, Pagination, type PaginationProps } from 'antd';
import type { ReactNode } from 'react';
import { type Column, shownOf } from './DataTable';
import { Loading } from './Loading';

interface Props<T> {
  rows: T[] | undefined;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  empty: ReactNode;
  expand?: (row: T) => ReactNode;
  pagination: PaginationProps;
}

/** The rows of a table as cards, for narrow screens. */
export function CardList<T>({ rows, columns, rowKey, empty, expand, pagination }: Props<T>) {
  if (!rows) return <Loading />;
  if (rows.length === 0) return <>{empty}</>;
  const heading = columns.filter(({ narrow }) => narrow === 'title');
  const rest = columns.filter(({ narrow }) => narrow === undefined);
  return (
    <div className="card-list">
      {rows.map((row) => (
        <Card key={rowKey(row)} size="small">
          <div className="row-between">
            {heading.map((column) => (
              <div key={column.key} style={{ minWidth: 0 }}>
                {column.render(row, rows)}
              </div>
            ))}
          </div>
          <dl>
            {rest.map((column) => (
              <div key={column.key} style={{ display: 'contents' }}>
                {column.title && <dt>{column.title}</dt>}
                <dd style={column.title ? undefined : { gridColumn: '1 / -1' }}>{shownOf(column, row, rows)}</dd>
              </div>
            ))}
          </dl>
          {expand && <div style={{ marginTop: 8 }}>{expand(row)}</div>}
        </Card>
      ))}
      <Pagination {...pagination} simple showSizeChanger={false} />
    </div>
  );
}
