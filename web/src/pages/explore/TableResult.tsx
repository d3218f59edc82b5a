import { useQuery } from '@tanstack/react-query';
import { Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { parseValue, queryInstant, type Sample } from '../../api/prometheus';
import type { Fault } from '../../api/types';
import { Labels } from '../../components/Labels';
import { Loading } from '../../components/Loading';
import { formatNumber, formatValue, unitOfExpression } from '../../format/numbers';
import { QueryError } from './QueryError';

interface Row {
  key: string;
  labels: Record<string, string>;
  text: string;
  number: number;
}

function rows(result: { resultType: string; result: Sample[] | [number, string] }): Row[] {
  if (result.resultType === 'scalar' || result.resultType === 'string') {
    const text = String(result.result[1]);
    return [{ key: 'only', labels: {}, text, number: parseValue(text) }];
  }
  return (result.result as Sample[]).map(({ metric, value, values }, index) => {
    const text = value?.[1] ?? values?.at(-1)?.[1] ?? '';
    return { key: `${index} ${JSON.stringify(metric)}`, labels: metric, text, number: parseValue(text) };
  });
}

/** The values now. */
export function TableResult({ expr, onFault }: { expr: string; onFault: (fault: Fault) => void }) {
  const { t } = useTranslation();
  const result = useQuery({ queryKey: ['series', 'instant', expr], queryFn: ({ signal }) => queryInstant(expr, undefined, signal) });
  const unit = unitOfExpression(expr);
  if (result.error) return <QueryError error={result.error} onFault={onFault} />;
  if (!result.data) return <Loading />;
  return (
    <Table<Row>
      size="small"
      rowKey="key"
      dataSource={rows(result.data)}
      locale={{ emptyText: t('explore.nothing') }}
      pagination={{ pageSize: 50, hideOnSinglePage: true, size: 'small' }}
      columns={[
        {
          key: 'value',
          title: t('alerts.value'),
          align: 'right',
          width: 150,
          sorter: (a, b) => a.number - b.number,
          render: (_v, { number, text }) => (
            <span className="num" title={text}>
              {Number.isNaN(number) ? text : unit === 'count' ? formatNumber(number) : formatValue(number, unit)}
            </span>
          ),
        },
        {
          key: 'labels',
          title: t('alerts.labels'),
          render: (_v, { labels }) => (
            <span className="labels">
              {labels.__name__ && <strong className="mono">{labels.__name__}</strong>}
              <Labels labels={labels} without={['__name__']} />
            </span>
          ),
        },
      ]}
    />
  );
}
