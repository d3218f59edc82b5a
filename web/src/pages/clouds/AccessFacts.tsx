import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AccessOf, CloudAccess } from '../../api/types';

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <div className="faint" style={{ fontSize: 12 }}>{name}</div>
      <div style={{ overflowWrap: 'anywhere' }}>{children}</div>
    </div>
  );
}

function Names({ names }: { names: string[] }) {
  return (
    <span className="labels">
      {names.map((name) => (
        <span key={name} className="label mono">{name}</span>
      ))}
    </span>
  );
}

/** How an account is opened; `found` are the regions that there are. */
export function AccessFacts({ access, found }: { access: CloudAccess; found: string[] }) {
  const { t } = useTranslation();
  const { credentials, regions, endpoint } = access;
  return (
    <>
      <Fact name={t('clouds.credentials.title')}>
        {t(`clouds.credentials.${credentials.kind}`)}
        {halvesOf(access).map((half) => (
          <div key={half} className="mono">{half}</div>
        ))}
      </Fact>
      {access.provider === 'aws' && access.role && <RoleFact role={access.role} />}
      {access.provider === 'azure' && <AzureFacts access={access} />}
      {access.provider === 'gcp' && access.projects && access.projects.length > 0 && (
        <Fact name={t('clouds.gcp.projects')}>
          <Names names={access.projects} />
        </Fact>
      )}
      <Fact name={t('clouds.regions')}>
        {!regions?.length && <div>{t('clouds.all_regions')}</div>}
        <Names names={regions?.length ? regions : found} />
      </Fact>
      {endpoint && (
        <Fact name={t('clouds.endpoint')}>
          <span className="mono">{endpoint}</span>
        </Fact>
      )}
    </>
  );
}

/** What of the credentials is no secret. */
function halvesOf({ credentials }: CloudAccess): string[] {
  switch (credentials.kind) {
    case 'keys':
      return [credentials.access_key_id];
    case 'profile':
      return [credentials.name];
    case 'service_principal':
      return [credentials.tenant, credentials.client_id];
    case 'managed_identity':
      return credentials.client_id ? [credentials.client_id] : [];
    case 'cli':
      return credentials.tenant ? [credentials.tenant] : [];
    default:
      return [];
  }
}

function RoleFact({ role }: { role: NonNullable<AccessOf<'aws'>['role']> }) {
  const { t } = useTranslation();
  return (
    <Fact name={t('clouds.aws.role')}>
      <span className="mono">{role.arn}</span>
      {role.external_id && (
        <div className="faint">
          {t('clouds.aws.external_id')}: <span className="mono">{role.external_id}</span>
        </div>
      )}
    </Fact>
  );
}

function AzureFacts({ access: { cloud, subscriptions, resource_group } }: { access: AccessOf<'azure'> }) {
  const { t } = useTranslation();
  return (
    <>
      {cloud && cloud !== 'public' && <Fact name={t('clouds.azure.cloud.title')}>{t(`clouds.azure.cloud.${cloud}`)}</Fact>}
      <Fact name={t('clouds.azure.subscriptions')}>{subscriptions?.length ? <Names names={subscriptions} /> : t('clouds.azure.all_subscriptions')}</Fact>
      {resource_group && <Fact name={t('clouds.azure.resource_group')}>{resource_group}</Fact>}
    </>
  );
}
