import { Form, type FormInstance, Modal } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isChangedMeanwhile } from '../api/client';
import type { useChange } from '../api/hooks';
import { ChangedMeanwhile } from './ChangedMeanwhile';
import { ErrorPanel } from './ErrorPanel';
import { ShownOnce } from './ShownOnce';
import { useFocusBack } from './useFocusBack';

interface Props<T> {
  title: string;
  okText?: string;
  /** What saving it does. */
  change: Pick<ReturnType<typeof useChange>, 'isPending' | 'error' | 'insist'>;
  onSubmit: (values: T) => void;
  onClose: () => void;
  initialValues?: Partial<T>;
  width?: number;
  form?: FormInstance<T>;
  /** The secret that came of it; it takes the place of the form. */
  made?: { text: string; hint: string; more?: ReactNode };
  children: ReactNode;
}

/** A dialog with one form in it, and what went wrong under it. */
export function FormDialog<T extends object>({ title, okText, change, onSubmit, onClose, initialValues, width = 520, form: given, made, children }: Props<T>) {
  const { t } = useTranslation();
  const [form] = Form.useForm<T>(given);
  useFocusBack();
  const saveMine = () => {
    change.insist();
    form.submit();
  };
  return (
    <Modal
      open
      title={title}
      okText={made ? t('common.close') : (okText ?? t('common.save'))}
      cancelButtonProps={made ? { style: { display: 'none' } } : undefined}
      // A secret that is shown once must not go away by a click beside it.
      mask={{ closable: !made }}
      keyboard={!made}
      confirmLoading={change.isPending}
      onOk={made ? onClose : form.submit}
      onCancel={onClose}
      width={width}
    >
      {made ? (
        <ShownOnce {...made} />
      ) : (
        <Form<T> form={form} layout="vertical" requiredMark={false} autoComplete="off" initialValues={initialValues} onFinish={onSubmit}>
          {children}
          {/* Lets Enter send the form. */}
          <button type="submit" hidden />
        </Form>
      )}
      {isChangedMeanwhile(change.error) ? (
        <ChangedMeanwhile onMine={saveMine} onTheirs={onClose} />
      ) : (
        change.error && <ErrorPanel error={change.error} />
      )}
    </Modal>
  );
}
