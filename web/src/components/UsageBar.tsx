import { theme } from 'antd';
import { formatRatio, NOTHING } from '../format/numbers';

/** A ratio as a bar and a number; amber from 75 %, red from 90 %. */
export function UsageBar({ ratio, name }: { ratio: number | null | undefined; name: string }) {
  const { token } = theme.useToken();
  if (ratio === null || ratio === undefined) return <span className="faint">{NOTHING}</span>;
  const colour = ratio >= 0.9 ? token.colorError : ratio >= 0.75 ? token.colorWarning : token.colorPrimary;
  return (
    <span className="bar" role="meter" aria-label={name} aria-valuenow={Math.round(ratio * 100)} aria-valuemin={0} aria-valuemax={100}>
      <span className="bar-track">
        <span className="bar-fill" style={{ display: 'block', width: `${Math.min(100, Math.max(0, ratio * 100))}%`, background: colour }} />
      </span>
      <span className="num">{formatRatio(ratio)}</span>
    </span>
  );
}
