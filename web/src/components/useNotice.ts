import { App } from 'antd';
import { useErrorText } from './useErrorText';

/** Short messages after an action: done, or what failed and what to do. */
export function useNotice() {
  const { message } = App.useApp();
  const errorText = useErrorText();
  return {
    done: (text: string) => void message.success(text),
    failed: (error: unknown) => {
      const { title, hint } = errorText(error);
      void message.error(hint ? `${title}. ${hint}` : title, 6);
    },
  };
}
