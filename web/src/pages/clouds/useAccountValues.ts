import { Form } from 'antd';
import type { AccountValues } from './accountValues';

/** What stands in the form, from the first moment on. */
export function useAccountValues(): AccountValues {
  const form = Form.useFormInstance<AccountValues>();
  // What is watched is not there yet when the dialog opens; it only says when something changes.
  Form.useWatch((values: AccountValues) => values, { form, preserve: true });
  return form.getFieldsValue(true);
}
