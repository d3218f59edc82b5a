import { Alert, Modal } from 'antd';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import type { Channel, ChannelTest } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { useFocusBack } from '../../components/useFocusBack';

/** Sends a test message and shows what the channel really answered. */
export function TestDialog({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const { t } = useTranslation();
  useFocusBack();
  const result = useQuery({
    queryKey: ['channel-test', channel.id],
    queryFn: () => request<ChannelTest>('POST', `channels/${channel.id}/test`),
    // Not done again because everything on the screen is read anew.
    meta: { once: true },
    retry: false,
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  return (
    <Modal open title={t('channels.test_title', { name: channel.name })} footer={null} onCancel={onClose}>
      {result.isPending && <Loading />}
      {result.error && <ErrorPanel error={result.error} retry={() => void result.refetch()} />}
      {result.data && (
        <div className="stack">
          <Alert type={result.data.ok ? 'success' : 'error'} showIcon title={result.data.ok ? t('channels.test_ok') : t('channels.test_failed')} />
          <div>
            <div className="faint">{t('channels.answer')}</div>
            <pre className="code mono">{result.data.answer || t('channels.no_answer')}</pre>
          </div>
        </div>
      )}
    </Modal>
  );
}
