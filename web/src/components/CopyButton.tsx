import { CheckOutlined, CopyOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNotice } from './useNotice';

/** Copies a text and says so for a moment. */
export function CopyButton({ text, title }: { text: string; title?: string }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () =>
    // Browsers offer the clipboard over HTTPS and on this machine only.
    (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error(t('common.copy_refused')))).then(
      () => setCopied(true),
      notice.failed,
    );
  const name = copied ? t('common.copied') : (title ?? t('common.copy'));
  return (
    <Button type="text" size="small" icon={copied ? <CheckOutlined /> : <CopyOutlined />} title={name} aria-label={name} onClick={() => void copy()} />
  );
}
