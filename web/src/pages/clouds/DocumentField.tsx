import { CheckCircleFilled, FileTextOutlined } from '@ant-design/icons';
import { Button, Form, Input, theme, Upload } from 'antd';
import { useTranslation } from 'react-i18next';
import { type DocumentType, readDocument } from './gcpDocument';

interface Props {
  name: string[];
  type: DocumentType;
  label: string;
  hint: string;
  isNeeded: boolean;
}

/** One of Google's files, chosen or pasted; what is not such a file is told before anything is sent. */
export function DocumentField({ name, type, label, hint, isNeeded }: Props) {
  const { t } = useTranslation();
  const isDocument = (_rule: unknown, text: string) => {
    if (!text.trim()) return isNeeded ? Promise.reject(new Error(t('common.required'))) : Promise.resolve();
    const found = readDocument(text, type);
    return found.fault ? Promise.reject(new Error(t(`clouds.gcp.file_fault.${found.fault}`, { type, ...found }))) : Promise.resolve();
  };
  return (
    <Form.Item name={name} label={label} extra={isNeeded ? hint : t('channels.secret_kept')} rules={[{ validator: isDocument }]}>
      <DocumentInput type={type} />
    </Form.Item>
  );
}

interface InputProps {
  type: DocumentType;
  id?: string;
  value?: string;
  onChange?: (text: string) => void;
}

/** The secret within is not shown: once the file is the right one, it says whose it is. */
function DocumentInput({ type, id, value = '', onChange }: InputProps) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const found = readDocument(value, type);
  if (found.fault === undefined) {
    return (
      <div className="row-between">
        <span style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
          <CheckCircleFilled style={{ color: token.colorSuccess, marginInlineEnd: 6 }} />
          <span className="mono">{found.identity}</span>
          {found.project && <span className="faint"> {t('clouds.gcp.of_project', { project: found.project })}</span>}
        </span>
        <Button id={id} size="small" onClick={() => onChange?.('')}>
          {t('clouds.gcp.other_file')}
        </Button>
      </div>
    );
  }
  return (
    <div className="stack" style={{ gap: 6 }}>
      <Upload
        accept=".json,application/json"
        showUploadList={false}
        beforeUpload={(file) => {
          void file.text().then(onChange);
          // It is sent with the form.
          return false;
        }}
      >
        <Button icon={<FileTextOutlined />}>{t('clouds.gcp.choose_file')}</Button>
      </Upload>
      <Input.TextArea id={id} className="mono" rows={3} spellCheck={false} autoComplete="off" maxLength={65_536} placeholder={t('clouds.gcp.paste_file')} value={value} onChange={(event) => onChange?.(event.target.value)} />
    </div>
  );
}
