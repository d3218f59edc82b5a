// Every page and dialog that pictures are taken of. `open` names the buttons that lead to a dialog,
// by the keys of their texts; `answers` stand in for what the server would say.

/** The pages, with what was found on the server to fill their addresses. */
export function pagesOf({ server, alert, group, rule, probe, cloud }) {
  const expr = encodeURIComponent('server_cpu_utilization_ratio > 0.5');
  const ofServer = `/servers/${encodeURIComponent(server)}`;
  const part = encodeURIComponent;
  return [
    { name: 'overview', path: '/overview' },
    { name: 'servers', path: '/servers' },
    { name: 'server-add', path: '/servers', open: ['add_server.title'] },
    { name: 'servers-none', path: '/servers?q=no-such-server' },
    { name: 'server', path: ofServer },
    { name: 'server-network', path: `${ofServer}?tab=network&range=24h` },
    { name: 'compare', path: `${ofServer}?compare=previous` },
    { name: 'clouds', path: '/clouds' },
    { name: 'clouds-none', path: '/clouds', answers: { 'cloud-accounts?*': { items: [], total: 0, page: 1, page_size: 50 } } },
    { name: 'cloud-account-new', path: '/clouds', open: ['clouds.new'] },
    { name: 'cloud-account-wrong', path: '/clouds', open: ['clouds.new', 'clouds.assume_role', 'common.save'] },
    { name: 'cloud-policy', path: '/clouds', open: ['clouds.new', 'clouds.policy.title'] },
    ...(cloud
      ? [
          { name: 'cloud-account', path: `/clouds?a_q=${part(cloud)}`, open: ['common.edit', 'common.more'] },
          { name: 'cloud-account-test', path: `/clouds?a_q=${part(cloud)}`, open: ['common.edit', 'clouds.test'] },
          { name: 'cloud-account-delete', path: `/clouds?a_q=${part(cloud)}`, open: ['common.delete'] },
          { name: 'cloud-ask', path: `/clouds?a_q=${part(cloud)}`, open: ['clouds.ask'] },
        ]
      : []),
    { name: 'cloud-servers', path: '/clouds?tab=servers' },
    { name: 'cloud-servers-make', path: '/clouds?tab=servers', open: ['cloud_create.button', 'cloud_create.network'] },
    { name: 'cloud-orders', path: '/clouds?tab=orders' },
    { name: 'cloud-servers-none', path: '/clouds?tab=servers&s_q=no-such-server' },
    { name: 'probes', path: '/probes' },
    { name: 'probe-new', path: '/probes', open: ['probes.new'] },
    ...(probe ? [{ name: 'probe', path: `/probes/${probe}` }] : []),
    { name: 'explore', path: '/explore' },
    { name: 'explore-graph', path: `/explore?expr=${part('topk(5, server_cpu_utilization_ratio)')}` },
    { name: 'explore-table', path: `/explore?tab=table&expr=${part('topk(5, server_cpu_utilization_ratio)')}` },
    { name: 'alerts', path: '/alerts' },
    { name: 'history', path: '/alerts?state=resolved' },
    ...(alert
      ? [
          { name: 'alert', path: `/alerts/${alert}` },
          { name: 'alert-silence', path: `/alerts/${alert}`, open: ['alerts.silence'] },
        ]
      : []),
    { name: 'rules', path: '/rules' },
    { name: 'rule-form', path: '/rules/new' },
    { name: 'rule-group-new', path: '/rules/groups/new' },
    ...(group ? [{ name: 'rule-group', path: `/rules/groups/${part(group)}` }] : []),
    ...(rule ? [{ name: 'why', path: `/rules/${part(group)}/${part(rule)}/why` }] : []),
    { name: 'backtest', path: `/rules/backtest?expr=${expr}&for=300` },
    { name: 'silences', path: '/silences' },
    { name: 'silence-new', path: '/silences', open: ['silences.new'] },
    { name: 'windows', path: '/silences?tab=windows' },
    { name: 'window-new', path: '/silences?tab=windows', open: ['windows.new'] },
    { name: 'inhibitions', path: '/silences?tab=inhibitions' },
    { name: 'inhibition-new', path: '/silences?tab=inhibitions', open: ['inhibitions.new'] },
    { name: 'channels', path: '/channels' },
    { name: 'channel-new', path: '/channels', open: ['channels.new'] },
    { name: 'routes', path: '/channels?tab=routes' },
    { name: 'notifications', path: '/channels?tab=log' },
    { name: 'users', path: '/users' },
    { name: 'user-new', path: '/users', open: ['users.new'] },
    { name: 'invitations', path: '/users?tab=invitations' },
    { name: 'user-access', path: '/users', open: ['common.more', 'users.access'] },
    { name: 'roles', path: '/users?tab=roles' },
    { name: 'invitation-new', path: '/users?tab=invitations', open: ['invitations.new'] },
    { name: 'audit', path: '/audit' },
    { name: 'settings', path: '/settings' },
    { name: 'account', path: '/account' },
    { name: 'totp-new', path: '/account', open: ['totp.start'] },
    { name: 'sessions', path: '/account?tab=sessions' },
    { name: 'tokens', path: '/account?tab=tokens' },
    { name: 'token-new', path: '/account?tab=tokens', open: ['tokens.new'] },
    { name: 'setup', path: '/setup', signedOut: true, answers: { setup: { needed: true } } },
    { name: 'login', path: '/login', signedOut: true },
    { name: 'login-again', path: '/login?back=%2Falerts', signedOut: true },
    { name: 'register', path: '/register', signedOut: true, answers: { registration: { mode: 'open' } } },
    { name: 'register-closed', path: '/register', signedOut: true, answers: { registration: { mode: 'closed' } } },
  ];
}
