import { DownloadOutlined } from '@ant-design/icons';
import { Button, Input, type InputRef, Select } from 'antd';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchAll } from '../api/fetchAll';
import { download, toCsv } from '../format/csv';
import type { Column } from './DataTable';
import { useNotice } from './useNotice';
import type { ListState } from './useListState';

export interface ListFilter {
  name: string;
  label: string;
  /** Values to choose from; without them it is a field to type into. */
  options?: { value: string; label: string }[];
}

interface Props<T> {
  path: string;
  state: ListState;
  columns: Column<T>[];
  filters?: ListFilter[];
  searchable?: boolean;
  /** What the search looks into. */
  searchLabel?: string;
  exportName?: string;
  toolbar?: ReactNode;
  total: number;
}

/** Search, filters and export above a list. */
export function ListToolbar<T>({ path, state, columns, filters = [], searchable = true, searchLabel, exportName, toolbar, total }: Props<T>) {
  const { t } = useTranslation();
  const notice = useNotice();
  const [busy, setBusy] = useState(false);

  const exportAll = async () => {
    setBusy(true);
    try {
      const rows = await fetchAll<T>(path, state.query);
      const shown = columns.filter(({ csv }) => csv);
      const cells = rows.map((row) => shown.map((column) => column.csv?.(row)));
      download(`${exportName}.csv`, toCsv(shown.map(({ title, key }) => title || key), cells));
    } catch (error) {
      notice.failed(error);
    } finally {
      setBusy(false);
    }
  };
  if (!searchable && filters.length === 0 && !exportName && !toolbar) return null;
  return (
    <div className="toolbar">
      {searchable && <Search label={searchLabel} value={state.read('q')} onChange={(q) => state.change({ q })} />}
      {filters.map(({ name, label, options }) =>
        options ? (
          <Select
            key={name}
            aria-label={label}
            placeholder={label}
            allowClear
            popupMatchSelectWidth={false}
            style={{ minWidth: 124 }}
            options={options}
            value={state.read(name) || undefined}
            onChange={(value?: string) => state.change({ [name]: value ?? '' })}
          />
        ) : (
          <Search key={name} label={label} value={state.read(name)} onChange={(value) => state.change({ [name]: value })} small />
        ),
      )}
      {toolbar}
      {exportName && (
        <Button className="end" icon={<DownloadOutlined />} loading={busy} disabled={total === 0} onClick={() => void exportAll()}>
          {t('common.export')}
        </Button>
      )}
    </div>
  );
}

/** A field that asks the server when the typing pauses. */
function Search({ value, onChange, label, small }: { value: string; onChange: (text: string) => void; label?: string; small?: boolean }) {
  const { t } = useTranslation();
  const field = useRef<InputRef>(null);
  useSlash(() => field.current?.focus(), !small);
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text.trim()), 350);
    return () => clearTimeout(timer);
  });
  const name = label ?? t('common.search');
  return (
    <Input.Search
      ref={field}
      className={small ? undefined : 'grow'}
      style={small ? { width: 190 } : undefined}
      allowClear
      placeholder={name}
      aria-label={name}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onSearch={(found) => onChange(found.trim())}
    />
  );
}

/** Calls when "/" is pressed anywhere but in a field, as many sites have it for their search. */
function useSlash(act: () => void, enabled: boolean): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (!enabled) return;
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest('input, textarea, [contenteditable], [role=dialog]');
      if (event.key !== '/' || typing) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [enabled]);
}
