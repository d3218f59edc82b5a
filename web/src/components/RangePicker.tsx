import { PauseOutlined, PlayCircleOutlined, ReloadOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Button, DatePicker, Grid, Select, Space, Tooltip } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { zoneOf } from '../format/time';
import { PRESETS, type useTimeRange } from './useTimeRange';

type Props = ReturnType<typeof useTimeRange>;

/** Presets, own dates, a wider view, a refresh, and whether the view follows the time. */
export function RangePicker({ range, following, setFollowing, setPreset, setCustom, refresh }: Props) {
  const { t } = useTranslation();
  const narrow = Grid.useBreakpoint().sm === false;
  const zone = zoneOf(range.to_ms);
  const widen = () => {
    const half = (range.to_ms - range.from_ms) / 2;
    setCustom(range.from_ms - half, Math.min(Date.now(), range.to_ms + half));
  };
  const follow = t(following ? 'range.hold' : 'range.follow');
  return (
    <div className="row" style={{ gap: 6 }}>
      <Space.Compact>
        <Select
          aria-label={t('range.label')}
          value={range.preset ?? 'custom'}
          style={{ width: 116 }}
          options={[
            ...PRESETS.map((value) => ({ value, label: t(`range.${value}`) })),
            ...(range.preset ? [] : [{ value: 'custom', label: t('range.custom') }]),
          ]}
          onChange={(value) => value !== 'custom' && setPreset(value)}
        />
        <Button icon={<ZoomOutOutlined />} title={t('range.wider')} aria-label={t('range.wider')} onClick={widen} />
        <Button icon={<ReloadOutlined />} title={t('range.refresh')} aria-label={t('range.refresh')} onClick={refresh} />
        <Button
          icon={following ? <PauseOutlined /> : <PlayCircleOutlined />}
          title={follow}
          aria-label={follow}
          disabled={!range.preset}
          onClick={() => setFollowing(!following)}
        />
      </Space.Compact>
      <DatePicker.RangePicker
        showTime={{ format: 'HH:mm' }}
        format="MM-DD HH:mm"
        allowClear={false}
        aria-label={t('range.custom')}
        style={narrow ? { width: '100%' } : { width: 244 }}
        value={[dayjs(range.from_ms), dayjs(range.to_ms)]}
        onChange={(chosen) => {
          const [from, to] = chosen ?? [];
          if (from && to && to.isAfter(from)) setCustom(from.valueOf(), to.valueOf());
        }}
      />
      <Tooltip title={t('range.zone', { zone: zone.name })}>
        <span className="faint num" style={{ fontSize: 12 }}>
          {zone.offset}
        </span>
      </Tooltip>
    </div>
  );
}
