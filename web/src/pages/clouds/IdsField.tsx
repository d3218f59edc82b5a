import { Form, Select } from 'antd';
import { useTranslation } from 'react-i18next';

interface Props {
  name: string[];
  label: string;
  hint: string;
  placeholder: string;
  isNeeded?: boolean;
  pattern: RegExp;
  /** What is said of an id that does not look like one. */
  message: string;
}

/** Ids that are typed, or pasted several at once. */
export function IdsField({ name, label, hint, placeholder, isNeeded = false, pattern, message }: Props) {
  const { t } = useTranslation();
  const areIds = (_rule: unknown, ids: string[]) => (ids.every((id) => pattern.test(id)) ? Promise.resolve() : Promise.reject(new Error(message)));
  return (
    <Form.Item name={name} label={label} extra={hint} rules={[{ required: isNeeded, type: 'array', message: t('common.required') }, { validator: areIds }]}>
      <Select mode="tags" open={false} suffixIcon={null} allowClear tokenSeparators={[',', ' ', '\n']} placeholder={placeholder} />
    </Form.Item>
  );
}
