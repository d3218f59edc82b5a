// The ways in: sessions, API tokens, the lock after wrong passwords, and the password asked for
// again before something dangerous.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ADMIN, call, dialog, enter, eventually, journey, makeUser, PASSWORD, read, refused, row, setUp, signIn, step } from './journey.mjs';

const AGENT = 'OldPhone/1.0';

journey('sessions, tokens and locks', async ({ server, visit }) => {
  const admin = await visit();
  await setUp(admin, server);
  await makeUser(admin, 'lin', 'operator');
  const page = await visit();
  await signIn(page, 'lin');
  const phone = await visit({ userAgent: AGENT });
  await signIn(phone, 'lin');
  await phone.goto('/alerts?state=resolved');
  await phone.getByRole('heading', { name: 'Alerts' }).waitFor();

  step('sessions: the other one is listed and ended');
  await page.goto('/account?tab=sessions');
  await page.getByText('This browser').waitFor();
  await row(page, AGENT).getByRole('button', { name: 'Sign out' }).click();
  await page.locator('.ant-popover:visible').getByRole('button', { name: 'Sign out' }).click();
  await row(page, AGENT).waitFor({ state: 'detached' });
  assert.equal((await read(page, 'me/sessions')).total, 1);

  step('the ended session asks for the login, which returns to the page');
  await phone.reload();
  await phone.waitForURL('**/login?back=*');
  await phone.getByText('Sign in to go on').waitFor();
  await enter(phone, 'lin');
  await phone.waitForURL('**/alerts?state=resolved');

  step("an administrator sees another's sessions and ends one");
  await admin.goto('/users');
  await row(admin, 'lin').getByRole('button', { name: 'More' }).click();
  await admin.getByRole('menuitem', { name: 'Sessions and tokens' }).click();
  await dialog(admin).getByText(AGENT).waitFor();
  await dialog(admin).getByRole('row').filter({ hasText: AGENT }).getByRole('button', { name: 'Sign out' }).click();
  await admin.locator('.ant-popover:visible').getByRole('button', { name: 'Sign out' }).click();
  await dialog(admin).getByRole('row').filter({ hasText: AGENT }).waitFor({ state: 'detached' });
  assert.equal((await phone.request.get('/api/v1/me')).status(), 401);
  await admin.keyboard.press('Escape');

  step('a token: shown once, good for what it was given, until it is revoked');
  await page.goto('/account?tab=tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  await dialog(page).getByLabel('Name').fill('e2e');
  await dialog(page).getByLabel('Permissions').click();
  await page.locator('.ant-select-item-option:visible').filter({ hasText: 'servers:read' }).click();
  await page.keyboard.press('Escape');
  await dialog(page).getByRole('button', { name: 'Create' }).click();
  const token = (await dialog(page).getByTestId('shown-once').innerText()).trim();
  assert(token.length >= 20, token);
  await dialog(page).getByRole('button', { name: 'Close' }).last().click();
  await page.reload();
  await row(page, 'e2e').waitFor();
  assert(!(await page.content()).includes(token), 'the token is shown again');
  const withToken = (method, path, body) =>
    fetch(`${server.url}/api/v1/${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
  assert.equal((await withToken('GET', 'servers')).status, 200);
  const beyond = await withToken('POST', 'silences', { matchers: [{ name: 'a', op: '=', value: 'b' }], starts_at_ms: 0, ends_at_ms: 1, comment: 'x' });
  assert.equal(beyond.status, 403);
  await row(page, 'e2e').getByRole('button', { name: 'Revoke' }).click();
  await page.locator('.ant-popover:visible').getByRole('button', { name: 'Revoke' }).click();
  await row(page, 'e2e').waitFor({ state: 'detached' });
  assert.equal((await withToken('GET', 'servers')).status, 401);

  step('wrong passwords lock the account, an administrator unlocks it');
  await phone.context().clearCookies();
  await phone.goto('/login');
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const answered = phone.waitForResponse((answer) => answer.url().endsWith('/api/v1/session') && answer.request().method() === 'POST');
    await enter(phone, 'lin', `wrong ${attempt}`);
    await answered;
  }
  await enter(phone, 'lin');
  await phone.getByRole('alert').getByText('The account is locked').waitFor();
  await admin.goto('/users');
  await row(admin, 'lin').getByText('Locked', { exact: true }).waitFor();
  await row(admin, 'lin').getByRole('button', { name: 'Unlock' }).click();
  await row(admin, 'lin').getByText('Active', { exact: true }).waitFor();
  await enter(phone, 'lin');
  await phone.waitForURL('**/overview');

  step('a new password ends the other sessions, and this one goes on');
  const changed = `${PASSWORD}-changed`;
  await page.goto('/account');
  await page.getByLabel('Current password').fill('not the password');
  await page.getByLabel('New password').fill(changed);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').getByText('The password is wrong').waitFor();
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Password changed').waitFor();
  assert.equal((await read(page, 'me/sessions')).total, 1);
  await phone.reload();
  await phone.waitForURL('**/login?back=*');
  await enter(phone, 'lin', changed);
  await phone.waitForURL('**/overview');

  step('an administrator signs somebody out everywhere');
  await row(admin, 'lin').getByRole('button', { name: 'More' }).click();
  await admin.getByRole('menuitem', { name: 'End all sessions' }).click();
  await dialog(admin).getByRole('button', { name: 'Confirm' }).click();
  await admin.getByText('Done', { exact: true }).waitFor();
  for (const ended of [page, phone]) assert.equal((await ended.request.get('/api/v1/me')).status(), 401);

  step('some time after the login, a dangerous action wants the password again');
  letTimePass(server, 60 * 60_000);
  // The server believes for a moment what it read of the session before.
  await eventually('the session is read anew', async () => (await call(admin, 'POST', 'users', { name: 'x', role: 'viewer', password: PASSWORD })).status() === 403);
  await refused(await call(admin, 'POST', 'users', { name: 'x', role: 'viewer', password: PASSWORD }), 403, 'reauthentication_required');
  await admin.getByRole('button', { name: 'New user' }).click();
  await dialog(admin).getByLabel('User name').fill('nina');
  await dialog(admin).getByLabel('First password').fill(PASSWORD);
  await dialog(admin).getByRole('button', { name: 'Save' }).click();
  const again = admin.getByRole('dialog', { name: 'Confirm that it is you' });
  await again.getByLabel('Password').fill('not the password');
  await again.getByRole('button', { name: 'Confirm' }).click();
  await again.getByRole('alert').waitFor();
  assert.equal((await read(admin, 'users?q=nina')).total, 0);
  await again.getByLabel('Password').fill(PASSWORD);
  await again.getByRole('button', { name: 'Confirm' }).click();
  await row(admin, 'nina').waitFor();
  assert.equal((await read(admin, 'session')).user.name, ADMIN);
});

/** Makes the last entering of the password older, as if so many milliseconds had passed. */
function letTimePass({ data }, milliseconds) {
  const code = [
    'import sqlite3, sys',
    'connection = sqlite3.connect(sys.argv[1], timeout=30)',
    'with connection:',
    '    changed = connection.execute("UPDATE sessions SET authenticated_at_ms = authenticated_at_ms - ?", [int(sys.argv[2])])',
    'assert changed.rowcount > 0',
  ].join('\n');
  execFileSync('python3', ['-c', code, join(data, 'state.db'), String(milliseconds)]);
}
