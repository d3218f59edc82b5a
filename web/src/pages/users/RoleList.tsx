import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useList } from '../../api/hooks';
import type { Role, User } from '../../api/types';
import { ROLES } from '../../components/RoleField';

/** The roles, what each allows, and who has it. */
export function RoleList() {
  return (
    <div className="grid-3">
      {ROLES.map((role) => (
        <RoleCard key={role} role={role} />
      ))}
    </div>
  );
}

function RoleCard({ role }: { role: Role }) {
  const { t } = useTranslation();
  const users = useList<User>('users', { role, page_size: 1 });
  return (
    <Card size="small" title={t(`roles.${role}`)}>
      <p style={{ marginTop: 0 }}>{t(`roles.hint.${role}`)}</p>
      <Link className="link" to={`/users?role=${role}`}>
        {t('roles.users', { count: users.data?.total ?? 0 })}
      </Link>
    </Card>
  );
}
