import { theme, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import type { LiveState } from '../api/events';

/** Says whether the screen follows the server by itself. */
export function LiveIndicator({ state }: { state: LiveState }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const colour = { live: token.colorSuccess, connecting: token.colorTextQuaternary, lost: token.colorError }[state];
  return (
    <Tooltip title={t(`shell.live_hint.${state}`)}>
      <span className="state" role="status" style={{ fontSize: 12, marginInlineEnd: 4 }}>
        <span className="live-dot" style={{ background: colour }} />
        <span className="faint">{t(`shell.live.${state}`)}</span>
      </span>
    </Tooltip>
  );
}
