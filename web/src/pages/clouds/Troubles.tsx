import { WarningFilled } from '@ant-design/icons';
import { theme } from 'antd';
import type { CloudTrouble } from '../../api/types';
import { causesOf } from './troubles';
import { useTroubleText } from './useTroubleText';

/** What could not be had: where, why in the provider's words, and what to do about it. */
export function Troubles({ troubles, account }: { troubles: CloudTrouble[]; account?: string }) {
  const { token } = theme.useToken();
  const text = useTroubleText();
  return (
    <ul className="stack" style={{ listStyle: 'none', margin: 0, padding: 0, gap: 10 }}>
      {causesOf(troubles, account).map((cause) => {
        const { title, hint } = text(cause);
        return (
          <li key={`${cause.kind} ${cause.message}`} style={{ display: 'grid', gridTemplateColumns: '18px minmax(0, 1fr)', columnGap: 6 }}>
            <WarningFilled style={{ color: token.colorWarning, alignSelf: 'start', marginTop: 4 }} />
            <div>
              <div className="row" style={{ gap: 6 }}>
                <strong>{title}</strong>
                {cause.scopes.map((scope) => (
                  <span key={scope} className="label mono">{scope}</span>
                ))}
              </div>
              <div style={{ overflowWrap: 'anywhere' }}>
                {cause.message}
                {cause.code && !cause.message.includes(cause.code) && <span className="mono"> ({cause.code})</span>}
              </div>
              {hint && <div className="faint">{hint}</div>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
