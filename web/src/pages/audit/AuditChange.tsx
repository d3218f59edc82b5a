import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '../../api/types';

/** Before and after side by side, and the hash that chains the entry to the one before. */
export function AuditChange({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const show = (title: string, value: unknown) => (
    <div style={{ minWidth: 0 }}>
      <div className="faint">{title}</div>
      <pre className="code mono">{JSON.stringify(value, null, 2)}</pre>
    </div>
  );
  const known = (value: unknown) => value !== null && value !== undefined;
  return (
    <div className="stack">
      {(known(entry.before) || known(entry.after)) && (
        <div className="grid">
          {known(entry.before) && show(t('audit.before'), entry.before)}
          {known(entry.after) && show(t('audit.after'), entry.after)}
        </div>
      )}
      <div>
        <span className="faint">{t('audit.hash')} </span>
        <span className="mono">{entry.hash}</span>
      </div>
    </div>
  );
}
