import { useQuery } from '@tanstack/react-query';
import { Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import type { Probe, ProbeResult } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { useFocusBack } from '../../components/useFocusBack';
import { ResultPanel } from './ResultPanel';

/** Runs a probe now and shows what the target really answered. */
export function RunDialog({ probe, onClose }: { probe: Probe; onClose: () => void }) {
  const { t } = useTranslation();
  useFocusBack();
  const result = useQuery({
    queryKey: ['probe-run', probe.id],
    queryFn: () => request<ProbeResult>('POST', `probes/${probe.id}/run`),
    // Not done again because everything on the screen is read anew.
    meta: { once: true },
    retry: false,
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  return (
    <Modal open title={t('probes.run_title', { name: probe.name })} footer={null} onCancel={onClose}>
      <p className="faint mono" style={{ overflowWrap: 'anywhere' }}>{probe.target}</p>
      {result.isPending && <Loading />}
      {result.error && <ErrorPanel error={result.error} retry={() => void result.refetch()} />}
      {result.data && <ResultPanel result={result.data} />}
    </Modal>
  );
}
