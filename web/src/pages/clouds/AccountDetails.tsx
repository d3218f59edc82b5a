import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { CloudAccount } from '../../api/types';
import { formatNumber, formatSeconds, formatUsd } from '../../format/numbers';
import { formatAbsolute } from '../../format/time';
import { Troubles } from './Troubles';
import { troublesOf } from './troubles';

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <div className="faint" style={{ fontSize: 12 }}>{name}</div>
      <div style={{ overflowWrap: 'anywhere' }}>{children}</div>
    </div>
  );
}

/** What is missing of an account, how it is opened, and how the last round went. */
export function AccountDetails({ account }: { account: CloudAccount }) {
  const { t, i18n } = useTranslation();
  const { credentials, role, regions, endpoint } = account.access;
  const round = account.last_round;
  const troubles = troublesOf(account);
  const looked_at = regions?.length ? regions : account.regions;
  return (
    <div className="stack" style={{ padding: '4px 0' }}>
      {troubles.length > 0 && <Troubles troubles={troubles} account={account.name} />}
      <div style={{ display: 'grid', gap: '10px 20px', gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
        {account.identity && (
          <Fact name={t('clouds.identity')}>
            <span className="mono">{account.identity}</span>
          </Fact>
        )}
        <Fact name={t('clouds.credentials.title')}>
          {t(`clouds.credentials.${credentials.kind}`)}
          {credentials.kind === 'keys' && <div className="mono">{credentials.access_key_id}</div>}
          {credentials.kind === 'profile' && <div className="mono">{credentials.name}</div>}
        </Fact>
        {role && (
          <Fact name={t('clouds.role')}>
            <span className="mono">{role.arn}</span>
            {role.external_id && <div className="faint">{t('clouds.external_id')}: <span className="mono">{role.external_id}</span></div>}
          </Fact>
        )}
        <Fact name={t('clouds.regions')}>
          {!regions?.length && <div>{t('clouds.all_regions')}</div>}
          <span className="labels">
            {looked_at.map((region) => (
              <span key={region} className="label mono">{region}</span>
            ))}
          </span>
        </Fact>
        {endpoint && (
          <Fact name={t('clouds.endpoint')}>
            <span className="mono">{endpoint}</span>
          </Fact>
        )}
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
