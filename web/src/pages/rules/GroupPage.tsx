import { DeleteOutlined, SaveOutlined } from '@ant-design/icons';
import { Alert, Button, Input, Popconfirm } from 'antd';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError } from '../../api/client';
import { useChange, useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { RuleGroup } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { PageFailed } from '../../components/PageFailed';
import { PageHeader } from '../../components/PageHeader';
import { useNotice } from '../../components/useNotice';
import { EXAMPLE_GROUP } from './exampleGroup';
import { RuleList } from './RuleList';
import { useRuleCheck } from './useRuleCheck';

const YamlEditor = lazy(() => import('../../components/YamlEditor'));

/** A group as the Prometheus rule file that it is; `new` makes one. */
export default function GroupPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const notice = useNotice();
  const mayEdit = useMay('rules:write');
  const { group: name = '' } = useParams();
  const fresh = name === 'new';
  const detail = useResource<RuleGroup>(`rule-groups/${encodeURIComponent(name)}`, undefined, { enabled: !fresh });
  const change = useChange(['rules', 'alerts']);
  const [source, setSource] = useState(fresh ? EXAMPLE_GROUP : '');
  const [newName, setNewName] = useState('my-rules');
  const stored = detail.data?.source;
  useEffect(() => {
    if (stored !== undefined) setSource(stored);
  }, [stored]);
  const check = useRuleCheck(source);
  const target = fresh ? newName.trim() : name;

  const save = () =>
    change.mutate(
      { method: 'PUT', path: `rule-groups/${encodeURIComponent(target)}`, body: { source } },
      {
        onSuccess: () => {
          notice.done(t('rules.saved'));
          void navigate(`/rules/groups/${encodeURIComponent(target)}`);
        },
      },
    );
  const remove = () =>
    change.mutate(
      { method: 'DELETE', path: `rule-groups/${encodeURIComponent(name)}` },
      { onSuccess: () => void navigate('/rules'), onError: notice.failed },
    );

  const back = (
    <Link className="link" to="/rules">
      {t('rules.back')}
    </Link>
  );
  // Once there is an answer, a later failure must not take away what was typed.
  if (!fresh && !detail.data) return detail.error ? <PageFailed title={name} back={back} error={detail.error} retry={() => void detail.refetch()} /> : <Loading />;
  const refused = change.error instanceof ApiError ? change.error.faults : [];
  const faults = check.faults.length > 0 ? check.faults : refused;
  return (
    <>
      <PageHeader
        title={fresh ? t('rules.new_group') : name}
        hint={back}
        extra={
          mayEdit && (
            <>
              {!fresh && (
                <Popconfirm title={t('rules.delete_confirm')} okText={t('common.delete')} okButtonProps={{ danger: true }} onConfirm={remove}>
                  <Button icon={<DeleteOutlined />}>{t('common.delete')}</Button>
                </Popconfirm>
              )}
              <Button type="primary" icon={<SaveOutlined />} loading={change.isPending} disabled={!target || check.faults.length > 0} onClick={save}>
                {t('common.save')}
              </Button>
            </>
          )
        }
      />
      <div className="stack">
        {detail.error && <ErrorPanel error={detail.error} retry={() => void detail.refetch()} stale />}
        {fresh && (
          <label className="row">
            {t('rules.group')}
            <Input value={newName} onChange={(event) => setNewName(event.target.value)} style={{ maxWidth: 320 }} />
          </label>
        )}
        {detail.data && <RuleList group={detail.data} />}
        <Suspense fallback={<Loading height={36} />}>
          <YamlEditor value={source} onChange={setSource} label={t('rules.source')} faults={faults} readOnly={!mayEdit} onSubmit={save} />
        </Suspense>
        {check.faults.map((fault) => (
          <Alert
            key={`${fault.line}:${fault.column}:${fault.detail}`}
            type="error"
            showIcon
            title={`${t('common.line_column', { line: fault.line ?? 1, column: fault.column ?? 1 })} ${fault.detail}`}
          />
        ))}
        {change.error && <ErrorPanel error={change.error} />}
        <p className="faint" style={{ margin: 0 }}>{t('rules.source_hint')}</p>
      </div>
    </>
  );
}
