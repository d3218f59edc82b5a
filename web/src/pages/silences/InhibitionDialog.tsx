import { Form, Input, Select, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Inhibition, InhibitionSpec, Matcher } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { filledIn } from '../../components/MatchedAlerts';
import { MatchersEditor } from '../../components/MatchersEditor';

/** What most people want: a server that is down says so once, and not by each of its other alerts. */
const START: InhibitionSpec = {
  name: '',
  source: [{ name: 'alertname', op: '=', value: 'ServerDown' }],
  target: [{ name: 'severity', op: '=~', value: 'warning|info' }],
  equal: ['server'],
  enabled: true,
};

/** Makes an inhibition or changes one. */
export function InhibitionDialog({ inhibition, onClose }: { inhibition?: Inhibition; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange(['alerts']);
  const save = ({ name, source, target, equal, enabled }: InhibitionSpec) =>
    change.mutate(
      {
        method: inhibition ? 'PUT' : 'POST',
        path: inhibition ? `inhibitions/${inhibition.id}` : 'inhibitions',
        version: inhibition?.version,
        body: { name: name.trim(), source: filledIn(source), target: filledIn(target), equal, enabled },
      },
      { onSuccess: onClose },
    );
  const someMatcher = {
    validator: (_rule: unknown, value: Matcher[]) => (filledIn(value).length > 0 ? Promise.resolve() : Promise.reject(new Error(t('silences.matchers_needed')))),
  };
  return (
    <FormDialog<InhibitionSpec>
      title={t(inhibition ? 'inhibitions.edit' : 'inhibitions.new')}
      change={change}
      width={560}
      initialValues={inhibition ?? START}
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item name="name" label={t('windows.name')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}>
        <Input autoFocus maxLength={120} />
      </Form.Item>
      <Form.Item name="source" label={t('inhibitions.source')} rules={[someMatcher]}>
        <MatchersEditor />
      </Form.Item>
      <Form.Item name="target" label={t('inhibitions.target')} rules={[someMatcher]}>
        <MatchersEditor />
      </Form.Item>
      <Form.Item name="equal" label={t('inhibitions.equal')} extra={t('inhibitions.equal_hint')}>
        <Select mode="tags" options={['server', 'provider', 'region', 'account', 'mountpoint', 'device'].map((value) => ({ value, label: value }))} />
      </Form.Item>
      <Form.Item name="enabled" label={t('channels.enabled')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </FormDialog>
  );
}
