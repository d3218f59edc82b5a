import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  title: ReactNode;
  /** The same in plain words, for the tab of the browser. */
  name?: string;
  hint?: ReactNode;
  extra?: ReactNode;
}

export function PageHeader({ title, name, hint, extra }: Props) {
  const { t } = useTranslation();
  const plain = name ?? (typeof title === 'string' ? title : '');
  useEffect(() => {
    document.title = plain ? `${plain} · ${t('shell.brand')}` : t('shell.brand');
  }, [plain, t]);
  return (
    <header className="page-head">
      <div style={{ minWidth: 0 }}>
        <h1>{title}</h1>
        {hint && <p className="faint">{hint}</p>}
      </div>
      {extra && <div className="row">{extra}</div>}
    </header>
  );
}
