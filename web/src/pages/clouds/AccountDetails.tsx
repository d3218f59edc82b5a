import { useTranslation } from 'react-i18next';
import type { CloudAccount } from '../../api/types';
import { formatNumber, formatSeconds, formatUsd } from '../../format/numbers';
import { formatAbsolute } from '../../format/time';
import { AccessFacts, Fact } from './AccessFacts';
import { Troubles } from './Troubles';
import { troublesOf } from './troubles';

/** What is missing of an account, how it is opened, and how the last round went. */
export function AccountDetails({ account }: { account: CloudAccount }) {
  const { t, i18n } = useTranslation();
  const round = account.last_round;
  const troubles = troublesOf(account);
  return (
    <div className="stack" style={{ padding: '4px 0' }}>
      {troubles.length > 0 && <Troubles troubles={troubles} account={account.name} />}
      <div style={{ display: 'grid', gap: '10px 20px', gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
        {account.identity && (
          <Fact name={t('clouds.identity')}>
            <span className="mono">{account.identity}</span>
          </Fact>
        )}
        <AccessFacts access={account.access} found={account.regions} />
        {round && (
          <Fact name={t('clouds.last_round')}>
            <div>{formatAbsolute(round.at_ms, i18n.language)}</div>
            <div className="faint">{t('clouds.round_took', { time: formatSeconds(round.took_ms / 1000), calls: formatNumber(round.calls), cost: formatUsd(round.cost_usd, i18n.language) })}</div>
          </Fact>
        )}
      </div>
    </div>
  );
}
