import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Muting, RouteMuting } from '../../api/types';

const PLACES = { silence: '/silences', maintenance: '/silences?tab=windows' };

/** What holds the notifications of an alert back, each with the way to it and, where known, its name. */
export function MutedBy({ mutings }: { mutings: (Muting | RouteMuting)[] }) {
  const { t } = useTranslation();
  return (
    <>
      {mutings.map(({ kind, id, ...named }) => (
        <div key={kind + id}>
          <Link className="link" to={kind === 'inhibition' ? `/alerts/${id}` : PLACES[kind]}>
            {t(`alert.muted.${kind}`)}
          </Link>
          {'name' in named && <span className="faint"> {named.name}</span>}
        </div>
      ))}
    </>
  );
}
