import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client';
import { useAdviceText } from './useAdviceText';
import { useErrorText } from './useErrorText';

/** What went wrong, what to do about it, and a way to try again; `stale` when older values stay in sight. */
export function ErrorPanel({ error, retry, stale }: { error: unknown; retry?: () => void; stale?: boolean }) {
  const { t } = useTranslation();
  const { title, hint } = useErrorText()(error);
  const adviceText = useAdviceText();
  const faults = error instanceof ApiError ? error.faults : [];
  return (
    <Alert
      type={stale ? 'warning' : 'error'}
      style={stale ? { marginBottom: 10 } : undefined}
      showIcon
      role="alert"
      title={title}
      description={
        hint || stale || faults.length > 0 ? (
          <>
            {hint} {stale && t('common.stale')}
            {faults.length > 0 && (
              <ul style={{ margin: '4px 0 0', paddingInlineStart: 18 }}>
                {faults.map((fault) => (
                  <li key={`${fault.pointer}${fault.line}${fault.detail}`}>
                    {fault.pointer && <span className="mono">{fault.pointer} </span>}
                    {fault.line !== undefined && `${t('common.line_column', { line: fault.line, column: fault.column ?? 1 })} `}
                    {adviceText(fault)}
                  </li>
                ))}
              </ul>
            )}
          </>
        ) : undefined
      }
      action={
        retry && (
          <Button size="small" onClick={retry}>
            {t('common.retry')}
          </Button>
        )
      }
    />
  );
}
