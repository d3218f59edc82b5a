import { Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useResource } from '../../api/hooks';
import type { CloudPolicy, CloudPolicyScope, CloudProvider } from '../../api/types';
import { CopyButton } from '../../components/CopyButton';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';

/** The least rights that an account needs, ready to be pasted. */
export function PolicyPanel({ provider }: { provider: CloudProvider }) {
  const { t } = useTranslation();
  const [scope, setScope] = useState<CloudPolicyScope>('watch');
  const policy = useResource<CloudPolicy>(`cloud-policies/${provider}`, { scope });
  return (
    <div className="stack">
      <span className="faint">{t(`clouds.policy.hint.${provider}`)}</span>
      <Segmented
        style={{ alignSelf: 'flex-start' }}
        value={scope}
        onChange={setScope}
        options={(['watch', 'manage'] as const).map((value) => ({ value, label: t(`clouds.policy.${value}`) }))}
      />
      {policy.isPending && <Loading />}
      {policy.error && <ErrorPanel error={policy.error} retry={() => void policy.refetch()} />}
      {policy.data && (
        <>
          <Copied name={policy.data.kind} text={policy.data.document} />
          <Copied name={t(`clouds.policy.command.${provider}`)} text={policy.data.command} />
        </>
      )}
    </div>
  );
}

function Copied({ name, text }: { name: string; text: string }) {
  return (
    <div>
      <div className="row-between">
        <span className="faint">{name}</span>
        <CopyButton text={text} />
      </div>
      <pre className="code mono" style={{ maxHeight: 310 }}>{text}</pre>
    </div>
  );
}
