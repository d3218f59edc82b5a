import { Button, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import { useNotice } from '../../components/useNotice';

/** Says something on an alert, for the others and for later. */
export function CommentForm({ alert }: { alert: string }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const may = useMay('alerts:acknowledge');
  const change = useChange();
  const [text, setText] = useState('');
  if (!may) return null;
  const send = () =>
    change.mutate(
      { method: 'POST', path: `alerts/${alert}/comments`, body: { comment: text.trim() } },
      { onSuccess: () => setText(''), onError: notice.failed },
    );
  return (
    <div className="stack" style={{ gap: 8, marginBottom: 12 }}>
      <Input.TextArea
        autoSize={{ minRows: 1, maxRows: 6 }}
        maxLength={4000}
        aria-label={t('alert.comment')}
        placeholder={t('alert.comment_hint')}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim()) send();
        }}
      />
      {text.trim() && (
        <div>
          <Button type="primary" size="small" loading={change.isPending} onClick={send}>
            {t('alert.comment_send')}
          </Button>
        </div>
      )}
    </div>
  );
}
