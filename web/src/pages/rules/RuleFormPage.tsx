import { Button, Card, Form } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { request } from '../../api/client';
import { useChange, useList } from '../../api/hooks';
import type { RuleForm, RuleGroup } from '../../api/types';
import { ChangedMeanwhile, DeletedMeanwhile } from '../../components/ChangedMeanwhile';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { NotFound } from '../../components/NotFound';
import { PageHeader } from '../../components/PageHeader';
import { useNotice } from '../../components/useNotice';
import { FORM_GROUP, type FormValues, formFromValues, START, valuesFromForm } from './formValues';
import { RuleFields } from './RuleFields';
import { RulePreview } from './RulePreview';

/** A threshold rule without writing PromQL; `?edit=NAME` changes one. */
export default function RuleFormPage() {
  const [parameters] = useSearchParams();
  const edited = parameters.get('edit') ?? '';
  // Asked from the list, since there is no such group before its first rule.
  const groups = useList<RuleGroup>('rule-groups', { q: FORM_GROUP });
  // Once there is an answer, a later failure must not take away what was typed.
  if (!groups.data) return groups.error ? <ErrorPanel error={groups.error} retry={() => void groups.refetch()} /> : <Loading height={320} />;
  const rules = groups.data.items.find(({ name }) => name === FORM_GROUP)?.rules ?? [];
  const known = rules.find(({ name }) => name === edited)?.form ?? undefined;
  const taken = rules.map(({ name }) => name).filter((name) => name !== edited);
  return <Editor key={edited} stored={known} edited={edited} taken={taken} />;
}

/** The form; what was typed stays whatever becomes of the stored rule. */
function Editor({ stored, edited, taken }: { stored?: RuleForm; edited: string; taken: string[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const notice = useNotice();
  const [form] = Form.useForm<FormValues>();
  const [base, setBase] = useState(stored);
  const [preview, setPreview] = useState<{ expr: string; source: string }>();
  const [failure, setFailure] = useState<unknown>();
  const change = useChange(['rule-groups']);
  const minutes = Form.useWatch('for_minutes', form) ?? 0;
  if (edited && !base) {
    // The list that was at hand may be older than the rule.
    if (!stored) return <NotFound />;
    setBase(stored);
  }

  const look = async (values: FormValues) => {
    setFailure(undefined);
    try {
      setPreview(await request<{ expr: string; source: string }>('POST', 'rules/from-form', { body: formFromValues(values) }));
    } catch (error) {
      setPreview(undefined);
      setFailure(error);
    }
  };
  const save = (values: FormValues) => {
    const body: RuleForm = formFromValues(values);
    change.mutate(
      { method: 'PUT', path: `rules/form/${encodeURIComponent(edited || body.name)}`, body },
      {
        onSuccess: () => {
          notice.done(t('rules.saved'));
          void navigate('/rules');
        },
      },
    );
  };
  const error = change.error ?? failure;
  const hasChanged = base !== undefined && stored !== undefined && JSON.stringify(stored) !== JSON.stringify(base);
  return (
    <>
      <PageHeader
        title={edited ? t('rule_form.edit_title', { name: edited }) : t('rule_form.title')}
        hint={
          <Link className="link" to="/rules">
            {t('rules.back')}
          </Link>
        }
      />
      <div className="stack">
        {hasChanged && !change.isPending && (
          <ChangedMeanwhile
            onMine={() => setBase(stored)}
            onTheirs={() => {
              form.setFieldsValue(valuesFromForm(stored));
              setBase(stored);
            }}
          />
        )}
        {base !== undefined && stored === undefined && <DeletedMeanwhile />}
        <div className="grid" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 420px), 1fr))' }}>
          <Card size="small">
            <Form<FormValues> form={form} layout="vertical" requiredMark={false} initialValues={base ? valuesFromForm(base) : START} onFinish={save}>
              <RuleFields taken={taken} />
              <div className="row">
                <Button type="primary" htmlType="submit" loading={change.isPending}>
                  {t('rule_form.save')}
                </Button>
                <Button onClick={() => void form.validateFields().then(look, () => undefined)}>{t('rule_form.preview')}</Button>
              </div>
            </Form>
          </Card>
          <div className="stack">
            {error != null && <ErrorPanel error={error} />}
            <RulePreview preview={preview} for_secs={minutes * 60} />
          </div>
        </div>
      </div>
    </>
  );
}
