// How far an order to a cloud is, as shapes, colours and words.
import { CheckCircleFilled, ClockCircleOutlined, CloseCircleFilled, LoadingOutlined, QuestionCircleOutlined } from '@ant-design/icons';
import { theme } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudOrder } from '../../api/types';
import { Troubles } from './Troubles';

export function OrderStateMark({ order }: { order: Pick<CloudOrder, 'state'> }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const looks = {
    waiting: [ClockCircleOutlined, token.colorTextTertiary],
    running: [LoadingOutlined, token.colorPrimary],
    done: [CheckCircleFilled, token.colorSuccess],
    failed: [CloseCircleFilled, token.colorError],
    given_up: [QuestionCircleOutlined, token.colorWarning],
  } as const;
  const [Shape, colour] = looks[order.state];
  return (
    <span className="state">
      <Shape style={{ color: colour }} />
      {t(`cloud_orders.state.${order.state}`)}
    </span>
  );
}

/** How many of its servers are where they should be, and what the others do. */
export function OrderProgress({ order }: { order: CloudOrder }) {
  const { t } = useTranslation();
  return (
    <span className="pair num">
      <span>{t('cloud_orders.of', { done: order.done, total: order.total })}</span>
      {order.progress && <span className="faint">{order.progress}</span>}
    </span>
  );
}

/** What went wrong, in the provider's words, and the servers' ids. */
export function OrderDetails({ order }: { order: CloudOrder }) {
  const { t } = useTranslation();
  return (
    <div className="stack" style={{ gap: 8 }}>
      {order.problem && <Troubles troubles={[order.problem]} />}
      {order.is_outcome_unknown && <div>{t('cloud_orders.unknown_outcome')}</div>}
      {order.server_ids.length > 0 && (
        <div>
          <span className="faint">{t('cloud_orders.ids')}: </span>
          <span className="mono" style={{ overflowWrap: 'anywhere' }}>{order.server_ids.join(', ')}</span>
        </div>
      )}
      <div className="faint">
        {t('cloud_orders.attempts')}: <span className="num">{order.attempts}</span>
      </div>
    </div>
  );
}
