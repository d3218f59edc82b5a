import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '../../api/types';
import { formatAbsolute } from '../../format/time';
import { fieldChanges, known } from './changes';

/** Why it went as it did, what was changed, field by field, and the hash that chains the entry to the one before. */
export function AuditChange({ entry }: { entry: AuditEntry }) {
  const { t, i18n } = useTranslation();
  const show = (field: string, value?: string) => (/_ms$/.test(field) && Number(value) > 0 ? formatAbsolute(Number(value), i18n.language) : value);
  const reasonText = (reason: string) => {
    const key = reason.replaceAll(' ', '_');
    return i18n.exists(`audit.reasons.${key}`) ? t(`audit.reasons.${key}`) : reason;
  };
  const changes = fieldChanges(entry.before, entry.after);
  const sides = [
    { name: 'before' as const, title: t('audit.before'), shown: known(entry.before), mark: 'del' as const },
    { name: 'after' as const, title: t('audit.after'), shown: known(entry.after), mark: 'ins' as const },
  ].filter(({ shown }) => shown);
  return (
    <div className="stack" style={{ gap: 8 }}>
      {entry.reason && (
        <div>
          <span className="faint">{t('audit.reason')} </span>
          {reasonText(entry.reason)}
        </div>
      )}
      {changes.length > 0 && (
        <div style={{ overflowX: 'auto' }}>
          <table className="change">
            <thead>
              <tr>
                <th>{t('audit.field')}</th>
                {sides.map(({ name, title }) => (
                  <th key={name}>{title}</th>
                ))}
              </tr>
            </thead>
            <tbody className="mono">
              {changes.map((change) => (
                <tr key={change.field} className={change.changed ? undefined : 'faint'}>
                  <td>{change.field}</td>
                  {sides.map(({ name, mark: Mark }) => (
                    <td key={name}>{change.changed && change[name] ? <Mark>{show(change.field, change[name])}</Mark> : show(change.field, change[name])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className="row" style={{ columnGap: 16 }}>
        <span className="mono">{entry.action}</span>
        <span>
          <span className="faint">{t('audit.hash')} </span>
          <span className="mono">{entry.hash}</span>
        </span>
      </div>
    </div>
  );
}
