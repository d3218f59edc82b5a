import { Empty } from 'antd';
import type { ReactNode } from 'react';

/** An empty page says what it is for and what to do first. */
export function EmptyHint({ title, hint, action }: { title: string; hint?: ReactNode; action?: ReactNode }) {
  return (
    <Empty
      image={Empty.PRESENTED_IMAGE_SIMPLE}
      style={{ padding: '20px 12px' }}
      description={
        <>
          <strong>{title}</strong>
          {hint && <div className="faint" style={{ maxWidth: 520, margin: '4px auto 0', textWrap: 'balance' }}>{hint}</div>}
        </>
      }
    >
      {action}
    </Empty>
  );
}
