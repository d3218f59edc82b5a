import { DownloadOutlined } from '@ant-design/icons';
import { Alert, Button, Typography } from 'antd';
import type { CSSProperties, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { download } from '../format/csv';

interface Props {
  text: string;
  hint: string;
  /** The name of the file in which it may be kept. */
  fileName?: string;
  /** What else there is to say about it. */
  more?: ReactNode;
}

const BOX: CSSProperties = { margin: 0, padding: 10, borderRadius: 5, background: 'var(--yh-track)', whiteSpace: 'pre-wrap' };

/** A secret that is shown this once, ready to be copied. */
export function ShownOnce({ text, hint, fileName, more }: Props) {
  const { t } = useTranslation();
  return (
    <div className="stack">
      <Alert type="warning" showIcon title={hint} />
      <Typography.Paragraph copyable={{ text }} className="mono" style={BOX}>
        <span data-testid="shown-once">{text}</span>
      </Typography.Paragraph>
      {fileName && (
        <Button icon={<DownloadOutlined />} style={{ alignSelf: 'flex-start' }} onClick={() => download(fileName, `${text}\n`, 'text/plain;charset=utf-8')}>
          {t('common.save_file')}
        </Button>
      )}
      {more}
    </div>
  );
}
