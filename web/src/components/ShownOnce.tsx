import { Alert, Typography } from 'antd';

/** A secret that is shown this once, ready to be copied. */
export function ShownOnce({ text, hint }: { text: string; hint: string }) {
  return (
    <div className="stack">
      <Alert type="warning" showIcon title={hint} />
      <Typography.Paragraph copyable className="mono" style={{ margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {text}
      </Typography.Paragraph>
    </div>
  );
}
