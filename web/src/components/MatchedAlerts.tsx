import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../api/client';
import type { AlertRow, Matcher, Page } from '../api/types';
import { AlertStateMark } from './StateMarks';
import { useErrorText } from './useErrorText';

const PAUSE_MS = 400;
const SHOWN = 5;

/** The conditions that are filled in. */
export function filledIn(matchers: Matcher[] | undefined): Matcher[] {
  return (matchers ?? []).filter(({ name, value }) => name.trim() && value);
}

/** Which active alerts meet the conditions now, asked when the typing pauses. */
export function MatchedAlerts({ matchers }: { matchers: Matcher[] | undefined }) {
  const { t } = useTranslation();
  const wanted = JSON.stringify(filledIn(matchers));
  const [asked, setAsked] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  const conditions = JSON.parse(asked) as Matcher[];
  const found = useQuery({
    queryKey: ['alerts', 'preview', asked],
    queryFn: ({ signal }) => request<Page<AlertRow>>('POST', 'silences/preview', { query: { page_size: SHOWN }, body: { matchers: conditions }, signal }),
    enabled: conditions.length > 0,
    placeholderData: keepPreviousData,
    retry: false,
  });
  // Of one height whatever is found: a dialog whose button moves is clicked beside it.
  return (
    <div className="matched" role="status" style={{ height: 112, overflowY: 'auto' }}>
      {conditions.length > 0 ? <Found error={found.error} page={found.data} /> : <span className="faint">{t('silences.matched_later')}</span>}
    </div>
  );
}

function Found({ error, page }: { error: unknown; page: Page<AlertRow> | undefined }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  if (error) return <span className="faint">{errorText(error).title}</span>;
  if (!page) return <span className="faint">{t('common.loading')} …</span>;
  const { items, total } = page;
  return (
    <>
      <strong>{t('silences.matched', { count: total })}</strong>
      {items.map((alert) => (
        <div key={alert.id} className="row" style={{ columnGap: 10, rowGap: 0 }}>
          <AlertStateMark state={alert.state} />
          <span>{alert.rule}</span>
          <span className="faint">{alert.labels.server}</span>
        </div>
      ))}
      {total > items.length && <span className="faint">{t('silences.matched_more', { count: total - items.length })}</span>}
    </>
  );
}
