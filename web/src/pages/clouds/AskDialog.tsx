import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { refreshResources } from '../../api/hooks';
import type { CloudAccount, CloudRound } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { useFocusBack } from '../../components/useFocusBack';
import { formatNumber, formatSeconds, formatUsd } from '../../format/numbers';
import { Troubles } from './Troubles';

/** Asks an account now and shows what came of it. */
export function AskDialog({ account, onClose }: { account: CloudAccount; onClose: () => void }) {
  const { t } = useTranslation();
  useFocusBack();
  const client = useQueryClient();
  const result = useQuery({
    queryKey: ['cloud-ask', account.id],
    queryFn: async () => {
      const round = await request<CloudRound>('POST', `cloud-accounts/${account.id}/ask`);
      refreshResources(client, ['cloud-accounts', 'cloud-servers', 'servers']);
      return round;
    },
    // Not done again because everything on the screen is read anew.
    meta: { once: true },
    retry: false,
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  return (
    <Modal open title={t('clouds.ask_title', { name: account.name })} footer={null} onCancel={onClose} width={600}>
      {result.isPending && (
        <>
          <Loading />
          <p className="faint" style={{ textAlign: 'center' }}>{t('clouds.ask_wait')}</p>
        </>
      )}
      {result.error && <ErrorPanel error={result.error} retry={() => void result.refetch()} />}
      {result.data && <RoundPanel round={result.data} account={account.name} />}
    </Modal>
  );
}

function RoundPanel({ round, account }: { round: CloudRound; account: string }) {
  const { t, i18n } = useTranslation();
  const isWhole = round.missing.length === 0;
  return (
    <div className="stack">
      <Alert
        type={isWhole && !round.is_over_budget ? 'success' : 'warning'}
        showIcon
        title={t(!isWhole ? 'clouds.round_incomplete' : round.is_over_budget ? 'clouds.state.over_budget' : 'clouds.round_whole')}
        description={
          <>
            <div>{t('clouds.round_found', { servers: formatNumber(round.servers), samples: formatNumber(round.samples) })}</div>
            <div className="faint">{t('clouds.round_took', { time: formatSeconds(round.took_ms / 1000), calls: formatNumber(round.calls), cost: formatUsd(round.cost_usd, i18n.language) })}</div>
            {round.is_over_budget && <div>{t('clouds.over_budget_hint')}</div>}
          </>
        }
      />
      <Troubles troubles={round.missing} account={account} />
    </div>
  );
}
