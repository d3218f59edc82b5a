import { Form, Input, Radio, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudAccount } from '../../api/types';
import { type AccountValues, CREDENTIALS, needsSecret } from './accountValues';

const ROLE = /^arn:.+:role\/.+/;

/** Whose rights are used, and the role that is assumed with them. */
export function CredentialFields({ account }: { account?: CloudAccount }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<AccountValues>();
  const kind = Form.useWatch('credentials', form) ?? form.getFieldValue('credentials');
  const accessKeyId = Form.useWatch('access_key_id', form) ?? form.getFieldValue('access_key_id');
  const endpoint = Form.useWatch('endpoint', form) ?? form.getFieldValue('endpoint');
  const assumesRole = Form.useWatch('assumes_role', form) ?? form.getFieldValue('assumes_role');
  const isSecretNeeded = needsSecret({ access_key_id: accessKeyId ?? '', endpoint: endpoint ?? '' }, account);
  const required = [{ required: true, whitespace: true, message: t('common.required') }];
  return (
    <>
      <Form.Item name="credentials" label={t('clouds.credentials.title')} style={{ marginBottom: 12 }}>
        <Radio.Group optionType="button" options={CREDENTIALS.map((value) => ({ value, label: t(`clouds.credentials.${value}`) }))} />
      </Form.Item>
      {kind === 'keys' && (
        <div className="grid" style={{ columnGap: 16, rowGap: 0, gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 250px), 1fr))' }}>
          <Form.Item name="access_key_id" label={t('clouds.access_key_id')} rules={required}>
            <Input className="mono" placeholder="AKIA…" maxLength={128} />
          </Form.Item>
          <Form.Item name="secret_access_key" label={t('clouds.secret_access_key')} rules={isSecretNeeded ? required : []} extra={t(isSecretNeeded ? 'clouds.secret_hint' : 'channels.secret_kept')}>
            <Input.Password autoComplete="off" />
          </Form.Item>
        </div>
      )}
      {kind === 'profile' && (
        <Form.Item name="profile" label={t('clouds.profile')} extra={t('clouds.profile_hint')} rules={required}>
          <Input placeholder="default" maxLength={128} />
        </Form.Item>
      )}
      {kind === 'instance_role' && <p className="faint" style={{ marginTop: 0 }}>{t('clouds.instance_role_hint')}</p>}
      <Form.Item style={{ marginBottom: 12 }}>
        <Space>
          <Form.Item name="assumes_role" valuePropName="checked" noStyle>
            <Switch size="small" />
          </Form.Item>
          <label htmlFor="assumes_role">{t('clouds.assume_role')}</label>
        </Space>
      </Form.Item>
      {assumesRole && (
        <>
          <Form.Item name="role_arn" label={t('clouds.role_arn')} extra={t('clouds.role_hint')} rules={[...required, { pattern: ROLE, message: t('clouds.role_rule') }]}>
            <Input className="mono" placeholder="arn:aws:iam::123456789012:role/yunhai" maxLength={2048} />
          </Form.Item>
          <Form.Item name="external_id" label={`${t('clouds.external_id')} (${t('common.optional')})`} extra={t('clouds.external_id_hint')}>
            <Input className="mono" maxLength={1224} />
          </Form.Item>
        </>
      )}
    </>
  );
}
