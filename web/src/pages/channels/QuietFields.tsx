// Quiet hours of a channel: when only what is severe is told at once.
import { Checkbox, Form, Input, Select, Switch } from 'antd';
import { useTranslation } from 'react-i18next';

export interface QuietHours {
  time_zone: string;
  weekdays: number[];
  from: string;
  until: string;
  let_through: string[];
}

type Stored = Pick<QuietHours, 'time_zone' | 'from' | 'until'> & Partial<QuietHours>;

/** The part of the channel's form about quiet hours. */
export interface QuietValues {
  quiet: boolean;
  quiet_hours: QuietHours;
}

const DAYS = [1, 2, 3, 4, 5, 6, 7];
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the form begins with: what is stored, or nights. */
export function readQuiet(stored: Stored | null | undefined): QuietValues {
  const usual = { time_zone: OWN_ZONE, weekdays: DAYS, from: '22:00', until: '08:00', let_through: ['critical'] };
  const weekdays = stored?.weekdays?.length ? stored.weekdays : DAYS;
  const let_through = stored?.let_through ?? usual.let_through;
  return { quiet: Boolean(stored), quiet_hours: { ...usual, ...stored, weekdays, let_through } };
}

/** What to send: all days are none, and quiet hours that are off are none at all. */
export function writeQuiet({ quiet, quiet_hours }: QuietValues): QuietHours | null {
  if (!quiet) return null;
  const { weekdays, from, until } = quiet_hours;
  return { ...quiet_hours, from: from.trim(), until: until.trim(), weekdays: weekdays.length === DAYS.length ? [] : [...weekdays].sort() };
}

/** The day of the week, from 1 for Monday, in the language of the page. */
export function dayName(day: number, language: string): string {
  return new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2026, 0, 4 + day));
}

export function QuietFields() {
  const { t, i18n } = useTranslation();
  const isOn = Form.useWatch<boolean>('quiet') ?? false;
  const zones = [...new Set([OWN_ZONE, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
  const time = [{ required: isOn, pattern: /^([01]\d|2[0-3]):[0-5]\d$/, message: t('channels.quiet.time_wrong') }];
  return (
    <>
      <Form.Item name="quiet" label={t('channels.quiet.use')} extra={t('channels.quiet.hint')} valuePropName="checked">
        <Switch />
      </Form.Item>
      <div hidden={!isOn}>
        <div className="row" style={{ columnGap: 16, rowGap: 0, alignItems: 'flex-start' }}>
          <Form.Item name={['quiet_hours', 'from']} label={t('channels.quiet.from')} rules={time}>
            <Input style={{ width: 100 }} placeholder="22:00" />
          </Form.Item>
          <Form.Item name={['quiet_hours', 'until']} label={t('channels.quiet.until')} rules={time}>
            <Input style={{ width: 100 }} placeholder="08:00" />
          </Form.Item>
          <Form.Item name={['quiet_hours', 'time_zone']} label={t('windows.time_zone')} style={{ flex: 1, minWidth: 200 }}>
            <Select showSearch options={zones.map((value) => ({ value, label: value }))} />
          </Form.Item>
        </div>
        <Form.Item name={['quiet_hours', 'weekdays']} label={t('channels.quiet.weekdays')} rules={[{ required: isOn, message: t('common.required') }]}>
          <Checkbox.Group options={DAYS.map((value) => ({ value, label: dayName(value, i18n.language) }))} />
        </Form.Item>
        <Form.Item name={['quiet_hours', 'let_through']} label={t('channels.quiet.let_through')}>
          <Select mode="tags" options={['critical', 'warning', 'info'].map((value) => ({ value, label: t(`severity.${value}`) }))} />
        </Form.Item>
      </div>
    </>
  );
}
