import { Button, Card, Form, InputNumber, Radio, Spin } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange, useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Settings } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PageHeader } from '../../components/PageHeader';
import { useNotice } from '../../components/useNotice';
import { formatBytes, formatNumber, formatSeconds } from '../../format/numbers';

type Values = Pick<Settings, 'registration' | 'collect_interval_secs'>;

const FIELDS = ['registration', 'collect_interval_secs'] as const;

/** What administrators change while the server runs, and what it was started with. */
export default function SettingsPage() {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayEdit = useMay('settings:write');
  const settings = useResource<Settings>('settings');
  const change = useChange(['registration']);
  const [form] = Form.useForm<Values>();
  const { data } = settings;
  // What was not touched follows what others save, and only what was touched is sent.
  useEffect(() => {
    for (const name of FIELDS) if (data && !form.isFieldTouched(name)) form.setFieldValue(name, data[name]);
  }, [form, data]);
  const save = (values: Values) => {
    const body = Object.fromEntries(FIELDS.filter((name) => form.isFieldTouched(name)).map((name) => [name, values[name]]));
    change.mutate(
      { method: 'PATCH', path: 'settings', body },
      {
        onSuccess: () => {
          form.setFields(FIELDS.map((name) => ({ name, touched: false })));
          notice.done(t('settings.saved'));
        },
      },
    );
  };
  // Once there is an answer, a later failure must not take away what was typed.
  if (!settings.data) return settings.error ? <ErrorPanel error={settings.error} retry={() => void settings.refetch()} /> : <Spin style={{ display: 'block', margin: 48 }} />;
  const { registration, collect_interval_secs, version, database, series_location, series, alerting } = settings.data;
  return (
    <>
      <PageHeader title={t('settings.title')} />
      {settings.error && <ErrorPanel error={settings.error} retry={() => void settings.refetch()} stale />}
      <div className="grid">
        <Card size="small" title={t('settings.changeable')}>
          <Form<Values> form={form} layout="vertical" requiredMark={false} disabled={!mayEdit} initialValues={{ registration, collect_interval_secs }} onFinish={save}>
            <Form.Item name="registration" label={t('settings.registration')} extra={t('settings.registration_hint')}>
              <Radio.Group
                vertical
                options={(['closed', 'invitation', 'open'] as const).map((value) => ({ value, label: t(`settings.modes.${value}`) }))}
              />
            </Form.Item>
            <Form.Item name="collect_interval_secs" label={t('settings.interval')} extra={t('settings.interval_hint')} rules={[{ required: true, message: t('common.required') }]}>
              <InputNumber min={1} max={86_400} suffix="s" style={{ width: 150 }} />
            </Form.Item>
            {mayEdit && (
              <Button type="primary" htmlType="submit" loading={change.isPending}>
                {t('common.save')}
              </Button>
            )}
          </Form>
          {change.error && <ErrorPanel error={change.error} />}
        </Card>
        <Card size="small" title={t('settings.about')}>
          <dl className="dl">
            <dt>{t('settings.version')}</dt>
            <dd>{version}</dd>
            <dt>{t('settings.database')}</dt>
            <dd>{database}</dd>
            <dt>{t('settings.series_location')}</dt>
            <dd className="mono">{series_location}</dd>
            <dt>{t('settings.series')}</dt>
            <dd className="num">{formatNumber(series.series)}</dd>
            <dt>{t('settings.samples')}</dt>
            <dd className="num">{formatNumber(series.samples)}</dd>
            <dt>{t('settings.size')}</dt>
            <dd className="num">{formatBytes(series.bytes)}</dd>
            <dt>{t('settings.blocks')}</dt>
            <dd className="num">{series.blocks}</dd>
            <dt>{t('settings.alerting')}</dt>
            <dd>{t(`settings.roles.${alerting.role}`, { leader: alerting.leader ?? '' })}</dd>
            <dt>{t('settings.keep_alerts')}</dt>
            <dd className="num">{formatSeconds(alerting.keep_alerts_secs)}</dd>
            <dt>{t('settings.keep_notifications')}</dt>
            <dd className="num">{formatSeconds(alerting.keep_notifications_secs)}</dd>
            <dt>{t('settings.keep_silences')}</dt>
            <dd className="num">{formatSeconds(alerting.keep_silences_secs)}</dd>
            <dt>{t('settings.api')}</dt>
            <dd>
              <a className="link" href="/api/docs">
                {t('settings.api_docs')}
              </a>
            </dd>
          </dl>
        </Card>
      </div>
    </>
  );
}
