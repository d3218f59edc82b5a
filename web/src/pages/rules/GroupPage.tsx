import { DeleteOutlined, SaveOutlined } from '@ant-design/icons';
import { Alert, Button, Input, Popconfirm } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError, isChangedMeanwhile } from '../../api/client';
import { useDocument } from '../../api/document';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { RuleGroup } from '../../api/types';
import { ChangedMeanwhile, DeletedMeanwhile } from '../../components/ChangedMeanwhile';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { NotAllowed } from '../../components/NotAllowed';
import { PageFailed } from '../../components/PageFailed';
import { PageHeader } from '../../components/PageHeader';
import { useNotice } from '../../components/useNotice';
import { groupLink } from '../../format/links';
import { EXAMPLE_GROUP } from './exampleGroup';
import { groupNameIn, renameGroup } from './groupName';
import { RuleList } from './RuleList';
import { useRuleCheck } from './useRuleCheck';

const YamlEditor = lazy(() => import('../../components/YamlEditor'));

/** A group as the Prometheus rule file that it is; `new` makes one. */
export default function GroupPage() {
  const { group = '' } = useParams();
  return <GroupEditor key={group} name={group} />;
}

const sourceOf = ({ source }: RuleGroup) => source;

function GroupEditor({ name }: { name: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const notice = useNotice();
  const mayEdit = useMay('rules:write');
  const fresh = name === 'new';
  const [newName, setNewName] = useState(groupNameIn(EXAMPLE_GROUP));
  const target = fresh ? newName : name;
  const group = useDocument<RuleGroup, string>({
    path: `rule-groups/${encodeURIComponent(target)}`,
    read: sourceOf,
    write: (source) => ({ source }),
    start: fresh ? EXAMPLE_GROUP : undefined,
    refresh: ['rules', 'alerts'],
  });
  const change = useChange(['rules', 'alerts']);
  const source = group.value ?? '';
  const check = useRuleCheck(source);
  const isBad = !target || check.faults.length > 0;

  const write = (text: string) => {
    group.set(text);
    setNewName(groupNameIn(text));
  };
  const save = () => {
    if (isBad || !mayEdit) return;
    group.save(() => {
      notice.done(t('rules.saved'));
      if (fresh) void navigate(groupLink(target));
    });
  };
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
  if (fresh && !mayEdit) return <NotAllowed />;
  // Once there is an answer, a later failure must not take away what was typed.
  if (!fresh && !group.answer) return group.error ? <PageFailed title={name} back={back} error={group.error} retry={group.again} /> : <Loading />;
  const refused = group.failure instanceof ApiError ? group.failure.faults : [];
  const isTaken = fresh && isChangedMeanwhile(group.failure);
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
              <Button type="primary" icon={<SaveOutlined />} loading={group.isSaving} disabled={isBad || group.meanwhile?.kind === 'changed'} onClick={save}>
                {t('common.save')}
              </Button>
            </>
          )
        }
      />
      <div className="stack">
        {group.answer && group.error && <ErrorPanel error={group.error} retry={group.again} stale />}
        {fresh && (
          <label className="row">
            {t('rules.group')}
            <Input value={newName} onChange={(event) => write(renameGroup(source, event.target.value))} style={{ maxWidth: 320 }} />
          </label>
        )}
        {group.answer && <RuleList group={group.answer} />}
        {group.meanwhile?.kind === 'deleted' && <DeletedMeanwhile />}
        {group.meanwhile?.kind === 'changed' && (
          <ChangedMeanwhile onMine={group.keepMine} onTheirs={group.takeTheirs}>
            <pre className="code mono">{group.meanwhile.theirs}</pre>
          </ChangedMeanwhile>
        )}
        <Suspense fallback={<Loading height={36} />}>
          <YamlEditor value={source} onChange={write} label={t('rules.source')} faults={faults} readOnly={!mayEdit} onSubmit={save} />
        </Suspense>
        {check.faults.map((fault) => (
          <Alert
            key={`${fault.line}:${fault.column}:${fault.detail}`}
            type="error"
            showIcon
            title={`${t('common.line_column', { line: fault.line ?? 1, column: fault.column ?? 1 })} ${fault.detail}`}
          />
        ))}
        {isTaken ? <Alert type="error" showIcon role="alert" title={t('rules.name_taken', { name: target })} /> : group.failure && <ErrorPanel error={group.failure} />}
        <p className="faint" style={{ margin: 0 }}>{t('rules.source_hint')}</p>
      </div>
    </>
  );
}
