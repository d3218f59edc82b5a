import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Card, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import type { RouteChannel, RoutePreview, RouteTaken } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Labels } from '../../components/Labels';
import { NOTHING } from '../../format/numbers';
import { promDuration } from '../../format/time';
import { MutedBy } from '../alert/MutedBy';
import { isLabel, readLabels } from './routeTree';

/** Which of the saved routes an alert with some labels would take, and what would hold it back. */
export function WhichRoute() {
  const { t } = useTranslation();
  const [texts, setTexts] = useState<string[]>([]);
  const [refused, setRefused] = useState<string>();
  const labels = readLabels(texts);
  const found = useQuery({
    queryKey: ['routes', 'preview', labels],
    queryFn: ({ signal }) => request<RoutePreview>('POST', 'routes/preview', { body: { labels }, signal }),
    enabled: texts.length > 0,
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <Card size="small" title={t('routes.which')}>
      <div className="stack">
        <label>
          <span className="faint">{t('routes.which_hint')}</span>
          <Select
            mode="tags"
            open={false}
            suffixIcon={null}
            style={{ width: '100%' }}
            tokenSeparators={[',']}
            placeholder="alertname=DiskFull, severity=critical, server=web-1"
            value={texts}
            status={refused ? 'error' : undefined}
            onSearch={(text) => text && setRefused(undefined)}
            onChange={(written: string[]) => {
              const trimmed = written.map((text) => text.trim());
              setRefused(trimmed.find((text) => !isLabel(text)));
              setTexts(trimmed.filter(isLabel));
            }}
          />
        </label>
        {refused && (
          <span role="alert" style={{ color: 'var(--yh-error)' }}>
            {t('routes.no_label', { text: refused })}
          </span>
        )}
        {texts.length > 0 && found.error && <ErrorPanel error={found.error} />}
        {texts.length > 0 && found.data && (
          <div className="stack" role="status">
            {found.data.routes.map((route) => (
              <Taken key={route.route} route={route} />
            ))}
            {found.data.muted_by.length > 0 && (
              <div>
                <span className="faint">{t('routes.held_back')}</span>
                <MutedBy mutings={found.data.muted_by} />
              </div>
            )}
          </div>
        )}
      </div>
    </Card>
  );
}

function Taken({ route }: { route: RouteTaken }) {
  const { t } = useTranslation();
  const time = (secs: number) => (secs === 0 ? '0s' : promDuration(secs * 1000));
  const names = (channels: RouteChannel[]) =>
    channels.map(({ name, enabled }) => (enabled ? name : t('routes.switched_off', { name }))).join(', ') || t('routes.nobody');
  return (
    <div>
      <strong>{route.route === 'root' ? t('routes.root') : `${t('routes.route')} ${route.route}`}</strong> → {names(route.channels)}
      <div className="row" style={{ rowGap: 2 }}>
        <span className="faint">{t('routes.group_by')}</span> {Object.keys(route.group).length > 0 ? <Labels labels={route.group} /> : NOTHING}
      </div>
      <div className="faint">
        {t('routes.group_wait')} {time(route.group_wait_secs)} · {t('routes.group_interval')} {time(route.group_interval_secs)} · {t('routes.repeat_interval')}{' '}
        {time(route.repeat_interval_secs)}
      </div>
      {route.escalations.map(({ after_secs, channels }) => (
        <div key={after_secs} className="faint">
          {t('routes.after')} {time(after_secs)}: {names(channels)}
        </div>
      ))}
    </div>
  );
}
