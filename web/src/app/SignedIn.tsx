import { useRef } from 'react';
import { Navigate, useLocation } from 'react-router';
import { useResource } from '../api/hooks';
import { useSession } from '../api/session';
import { ErrorPanel } from '../components/ErrorPanel';
import { Loading } from '../components/Loading';
import { Shell } from './Shell';

/** The gate before every page but set-up, login and registration. */
export function SignedIn() {
  const session = useSession();
  const location = useLocation();
  const failure = useRef<unknown>(null);
  const setup = useResource<{ needed: boolean }>('setup', undefined, { enabled: session.data === null });

  // A page that is open stays, whatever becomes of the server: what was typed stands in it.
  if (session.data) return <Shell />;
  // It stays in sight while it is tried again.
  if (session.error) failure.current = session.error;
  if (session.data === undefined && failure.current) {
    return (
      <main className="page">
        <ErrorPanel error={failure.current} retry={() => void session.refetch()} />
      </main>
    );
  }
  if (session.data === null && setup.data?.needed) return <Navigate to="/setup" replace />;
  if (session.data === null && (setup.data || setup.error)) {
    const back = location.pathname + location.search;
    return <Navigate to={back === '/' ? '/login' : `/login?back=${encodeURIComponent(back)}`} replace />;
  }
  return <Loading height="60vh" />;
}
