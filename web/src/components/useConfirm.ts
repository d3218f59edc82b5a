import { App } from 'antd';
import { useTranslation } from 'react-i18next';

interface Question {
  title: string;
  content?: string;
  okText?: string;
}

/**
 * Asks before something that cannot be undone. The dialog closes at once: where the server wants
 * the password again, its question must not stand behind this one. The action tells itself what
 * went wrong.
 */
export function useConfirm() {
  const { modal } = App.useApp();
  const { t } = useTranslation();
  return ({ title, content, okText }: Question, action: () => Promise<unknown>) =>
    void modal.confirm({
      title,
      content,
      okText: okText ?? t('common.confirm'),
      okButtonProps: { danger: true },
      onOk: () => void action().catch(() => undefined),
    });
}
