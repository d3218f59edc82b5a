import { ReloadOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Button, DatePicker, Select, Space } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { PRESETS, type useTimeRange } from './useTimeRange';

type Props = ReturnType<typeof useTimeRange>;

/** Presets, own dates, a wider view and a refresh. */
export function RangePicker({ range, setPreset, setCustom, refresh }: Props) {
  const { t } = useTranslation();
  const widen = () => {
    const half = (range.to_ms - range.from_ms) / 2;
    setCustom(range.from_ms - half, Math.min(Date.now(), range.to_ms + half));
  };
  return (
    <Space wrap size={6}>
      <Select
        aria-label={t('range.label')}
        value={range.preset ?? 'custom'}
        style={{ width: 118 }}
        options={[
          ...PRESETS.map((value) => ({ value, label: t(`range.${value}`) })),
          ...(range.preset ? [] : [{ value: 'custom', label: t('range.custom') }]),
        ]}
        onChange={(value) => value !== 'custom' && setPreset(value)}
      />
      <DatePicker.RangePicker
        showTime={{ format: 'HH:mm' }}
        format="MM-DD HH:mm"
        allowClear={false}
        style={{ width: 244 }}
        value={[dayjs(range.from_ms), dayjs(range.to_ms)]}
        onChange={(chosen) => {
          const [from, to] = chosen ?? [];
          if (from && to && to.isAfter(from)) setCustom(from.valueOf(), to.valueOf());
        }}
      />
      <Button icon={<ZoomOutOutlined />} title={t('range.wider')} aria-label={t('range.wider')} onClick={widen} />
      <Button icon={<ReloadOutlined />} title={t('range.refresh')} aria-label={t('range.refresh')} onClick={refresh} disabled={!range.preset} />
    </Space>
  );
}
