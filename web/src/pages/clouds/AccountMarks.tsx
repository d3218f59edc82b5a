// How a cloud account and its servers stand, as shapes, colours and words.
import {
  CheckCircleFilled,
  ClockCircleOutlined,
  CloseCircleFilled,
  DeleteOutlined,
  DollarCircleFilled,
  LoadingOutlined,
  PauseCircleOutlined,
  PoweroffOutlined,
  QuestionCircleOutlined,
  WarningFilled,
} from '@ant-design/icons';
import { theme } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudAccount, CloudProvider, CloudServer } from '../../api/types';
import { formatRatio, formatUsd } from '../../format/numbers';
import { causesOf, shareOfBudget, troublesOf } from './troubles';
import { useTroubleText } from './useTroubleText';

export const PROVIDERS: Record<CloudProvider, string> = { aws: 'AWS', azure: 'Azure', gcp: 'Google Cloud' };

export const providerName = (provider: string): string => PROVIDERS[provider as CloudProvider] ?? provider;

/** How the account fares and, in a few words, why. */
export function AccountStateMark({ account }: { account: CloudAccount }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const text = useTroubleText();
  const looks = {
    ok: [CheckCircleFilled, token.colorSuccess],
    incomplete: [WarningFilled, token.colorWarning],
    failing: [CloseCircleFilled, token.colorError],
    over_budget: [DollarCircleFilled, token.colorWarning],
    pending: [ClockCircleOutlined, token.colorTextTertiary],
    paused: [PauseCircleOutlined, token.colorTextTertiary],
  } as const;
  const [Shape, colour] = looks[account.state];
  const [first, ...others] = account.state === 'paused' ? [] : causesOf(troublesOf(account), account.name);
  const reasons = [
    first && [text(first).title, first.scopes.join(', ')].filter(Boolean).join(' · '),
    others.length > 0 && t('clouds.more_causes', { count: others.length }),
    account.state === 'over_budget' && t('clouds.until_next_month'),
  ].filter(Boolean);
  return (
    <div style={{ maxWidth: 176 }}>
      <span className="state">
        <Shape style={{ color: colour }} />
        {t(`clouds.state.${account.state}`)}
      </span>
      {reasons.map((reason) => (
        <div key={String(reason)} className="faint" style={{ fontSize: 12 }}>
          {reason}
        </div>
      ))}
    </div>
  );
}

export function CloudServerStateMark({ server }: { server: Pick<CloudServer, 'state'> }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const looks = {
    starting: [LoadingOutlined, token.colorPrimary],
    running: [CheckCircleFilled, token.colorSuccess],
    stopping: [LoadingOutlined, token.colorWarning],
    stopped: [PoweroffOutlined, token.colorTextTertiary],
    stopped_billed: [PoweroffOutlined, token.colorWarning],
    deleting: [DeleteOutlined, token.colorWarning],
    deleted: [DeleteOutlined, token.colorTextTertiary],
    unknown: [QuestionCircleOutlined, token.colorTextTertiary],
  } as const;
  const [Shape, colour] = looks[server.state] ?? looks.unknown;
  return (
    <span className="state">
      <Shape style={{ color: colour }} />
      {t(`cloud_servers.state.${server.state in looks ? server.state : 'unknown'}`)}
    </span>
  );
}

/** What this month has cost, as a part of the budget; amber from 75 %, red when it is spent. */
export function CostBar({ account }: { account: CloudAccount }) {
  const { t, i18n } = useTranslation();
  const { token } = theme.useToken();
  const share = shareOfBudget(account);
  const spent = formatUsd(account.month_cost_usd, i18n.language);
  if (share === undefined) {
    return (
      <span className="pair num">
        <span>{spent}</span>
        <span className="faint">{t('clouds.no_budget')}</span>
      </span>
    );
  }
  const colour = share >= 1 || account.state === 'over_budget' ? token.colorError : share >= 0.75 ? token.colorWarning : token.colorPrimary;
  return (
    <span
      className="pair num"
      role="meter"
      aria-label={`${account.name} ${t('clouds.cost')}`}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      title={formatRatio(share)}
      style={{ minWidth: 120 }}
    >
      <span>{t('clouds.of_budget', { spent, budget: formatUsd(account.monthly_budget_usd, i18n.language) })}</span>
      <span className="bar-track" style={{ flex: 'none', margin: '4px 0' }}>
        <span className="bar-fill" style={{ display: 'block', width: `${Math.min(100, Math.max(0, share * 100))}%`, background: colour }} />
      </span>
    </span>
  );
}
