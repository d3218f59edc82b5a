import { Form, Input, InputNumber } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { ServerDetail, ServerSettings } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';

interface Values {
  interval_secs?: number | null;
  account?: string;
  region?: string;
  /** One `name=value` a line. */
  tags?: string;
}

const textOf = (tags: Record<string, string>) =>
  Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

/** What travels: an empty field is not set, and tags that were not touched stay unset. */
export function toSettings(values: Values, server: ServerDetail): ServerSettings {
  const lines = (values.tags ?? '').split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const tags = Object.fromEntries(
    lines.map((line): [string, string] => {
      const [name, ...rest] = line.split('=');
      return [name.trim(), rest.join('=').trim()];
    }),
  );
  const isUntouched = server.settings.tags == null && (values.tags ?? '') === textOf(server.tags);
  return {
    interval_secs: values.interval_secs ?? null,
    account: values.account?.trim() || null,
    region: values.region?.trim() || null,
    tags: !server.is_local || isUntouched ? null : tags,
  };
}

/** How a server is watched: its interval, and where the machine that Yunhai runs on belongs. */
export function WatchDialog({ server, onClose }: { server: ServerDetail; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange(['servers', 'settings', 'overview']);
  const { settings } = server;
  return (
    <FormDialog<Values>
      title={t('server.watch_title', { name: server.name })}
      change={change}
      initialValues={{ interval_secs: settings.interval_secs, account: settings.account ?? '', region: settings.region ?? '', tags: textOf(settings.tags ?? server.tags) }}
      onSubmit={(values) =>
        change.mutate({ method: 'PUT', path: `servers/${encodeURIComponent(server.name)}/settings`, body: toSettings(values, server) }, { onSuccess: onClose })
      }
      onClose={onClose}
    >
      <Form.Item name="interval_secs" label={t(server.is_local ? 'server.interval' : 'server.interval_expected')} extra={t(server.is_local ? 'server.interval_hint_local' : 'server.interval_hint')}>
        <InputNumber min={1} max={86_400} precision={0} suffix="s" placeholder={String(server.interval_secs)} style={{ width: 160 }} />
      </Form.Item>
      {server.is_local ? (
        <>
          <Form.Item name="account" label={t('server.account')}>
            <Input maxLength={191} placeholder={settings.account ? undefined : (server.account ?? undefined)} />
          </Form.Item>
          <Form.Item name="region" label={t('server.region')}>
            <Input maxLength={191} placeholder={settings.region ? undefined : (server.region ?? undefined)} />
          </Form.Item>
          <Form.Item name="tags" label={t('servers.tags')} extra={t('server.tags_hint')}>
            <Input.TextArea rows={3} className="mono" placeholder="team=web" />
          </Form.Item>
        </>
      ) : (
        <p className="faint">{t('server.labels_hint')}</p>
      )}
    </FormDialog>
  );
}
