import { Spin } from 'antd';
import { Navigate, useLocation } from 'react-router';
import { useResource } from '../api/hooks';
import { useSession } from '../api/session';
import { ErrorPanel } from '../components/ErrorPanel';
import { Shell } from './Shell';

/** The gate before every page but set-up, login and registration. */
export function SignedIn() {
  const session = useSession();
  const location = useLocation();
  const setup = useResource<{ needed: boolean }>('setup', undefined, { enabled: session.data === null });

  if (session.error) {
    return (
      <main className="page">
        <ErrorPanel error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  }
  if (session.data === null && setup.data?.needed) return <Navigate to="/setup" replace />;
  if (session.data === null && (setup.data || setup.error)) {
    const back = location.pathname + location.search;
    return <Navigate to={back === '/' ? '/login' : `/login?back=${encodeURIComponent(back)}`} replace />;
  }
  if (!session.data) return <Spin style={{ display: 'block', margin: '30vh auto' }} />;
  return <Shell />;
}
