import { Tabs } from 'antd';
import type { ReactNode } from 'react';
import { PageHeader } from './PageHeader';
import { useParameter } from './useParameter';

interface Props {
  title: string;
  hint?: string;
  tabs: { key: string; label: string; children: ReactNode }[];
}

/** A page of several lists, of which the address says which is shown. */
export function TabbedPage({ title, hint, tabs }: Props) {
  const { parameters, set } = useParameter();
  const asked = parameters.get('tab');
  const shown = tabs.some(({ key }) => key === asked) ? (asked ?? undefined) : tabs[0]?.key;
  return (
    <>
      <PageHeader title={title} hint={hint} />
      <Tabs activeKey={shown} onChange={(key) => set('tab', key, { push: true })} destroyOnHidden items={tabs} />
    </>
  );
}
