// How people come and go: by invitation, by registration with approval, with the role that they
// have, until an administrator switches them off.
import assert from 'node:assert/strict';
import { call, dialog, enter, eventually, journey, PASSWORD, refused, row, setUp, signIn, step } from './journey.mjs';

journey('people and roles', async ({ server, visit }) => {
  const admin = await visit();
  await setUp(admin, server);

  const chooseRegistration = async (mode) => {
    await admin.goto('/settings');
    await admin.getByText(mode, { exact: true }).click();
    await admin.getByRole('button', { name: 'Save' }).click();
    await admin.getByText('Settings saved').waitFor();
  };
  const register = async (page, name) => {
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
  };

  step('registration is closed at first');
  const guest = await visit();
  await guest.goto('/login');
  await guest.getByLabel('User name').waitFor();
  assert.equal(await guest.getByText('Create an account').count(), 0);
  await guest.goto('/register');
  await guest.getByText('Registration is closed').waitFor();

  step('an invitation for a viewer');
  await chooseRegistration('By invitation');
  await admin.goto('/users?tab=invitations');
  await admin.getByRole('button', { name: 'Invite' }).first().click();
  await dialog(admin).getByText('Viewer', { exact: true }).click();
  await dialog(admin).getByRole('button', { name: 'Create' }).click();
  const link = (await dialog(admin).getByTestId('shown-once').innerText()).trim();
  assert(link.startsWith(`${server.url}/register?code=`), link);
  await dialog(admin).getByRole('button', { name: 'Close' }).last().click();
  await admin.reload();
  await row(admin, 'Viewer').waitFor();
  assert(!(await admin.content()).includes(link.split('code=')[1]), 'the code of the invitation is shown again');

  step('the invited person registers, and nobody else with the same link');
  await guest.goto(link);
  await guest.getByLabel('Password').fill('password1234');
  await guest.getByText(/tried first|easy to guess|common password/).waitFor();
  await register(guest, 'vera');
  await guest.getByText('The account is ready.').waitFor();
  await guest.getByRole('link', { name: 'To the login' }).click();
  await enter(guest, 'vera');
  await guest.waitForURL('**/overview');
  const second = await visit();
  await second.goto(link);
  await register(second, 'victor');
  await second.getByRole('alert').getByText('The invitation is not valid').waitFor();
  await row(admin, 'Viewer').getByText('vera').waitFor({ timeout: 1000 }).catch(() => admin.reload());
  await row(admin, 'Viewer').getByText('vera').waitFor();

  step('an invitation that was withdrawn is good for nothing');
  await admin.getByRole('button', { name: 'Invite' }).first().click();
  await dialog(admin).getByText('Operator', { exact: true }).click();
  await dialog(admin).getByRole('button', { name: 'Create' }).click();
  const withdrawn = (await dialog(admin).getByTestId('shown-once').innerText()).trim();
  await dialog(admin).getByRole('button', { name: 'Close' }).last().click();
  await row(admin, 'Operator').getByRole('button', { name: 'Withdraw' }).click();
  await admin.locator('.ant-popover:visible').getByRole('button', { name: 'Withdraw' }).click();
  await row(admin, 'Operator').waitFor({ state: 'detached' });
  await second.goto(withdrawn);
  await register(second, 'victor');
  await second.getByRole('alert').getByText('The invitation is not valid').waitFor();

  step('a viewer sees nothing that changes something, and the API refuses it');
  for (const [path, button] of [['rules', 'New rule'], ['silences', 'New silence'], ['channels', 'Add channel']]) {
    await guest.goto(`/${path}`);
    await guest.getByRole('heading', { level: 1 }).waitFor();
    await guest.locator('.ant-table-row, .ant-empty').first().waitFor();
    assert.equal(await guest.getByRole('button', { name: button }).or(guest.getByRole('link', { name: button })).count(), 0, `${path} offers “${button}”`);
  }
  await guest.goto('/settings');
  await guest.getByText('About this installation').waitFor();
  assert.equal(await guest.getByRole('button', { name: 'Save' }).count(), 0);
  const menu = guest.getByRole('menu').first();
  assert.equal(await menu.getByText('Users', { exact: true }).count(), 0);
  assert.equal(await menu.getByText('Audit log').count(), 0);
  await guest.goto('/users');
  await guest.getByText('Your role does not include this').waitFor();
  for (const [method, path, body] of [
    ['POST', 'silences', { matchers: [{ name: 'alertname', op: '=', value: 'x' }], starts_at_ms: 0, ends_at_ms: 1, comment: 'x' }],
    ['POST', 'users', { name: 'evil', role: 'admin', password: PASSWORD }],
    ['PATCH', 'settings', { registration: 'open' }],
    ['PUT', 'routes', {}],
    ['GET', 'audit'],
  ]) {
    await refused(await call(guest, method, path, body), 403, 'permission_denied');
  }
  const bare = await guest.request.fetch('/api/v1/me', { method: 'PATCH', data: { display_name: 'x' } });
  await refused(bare, 403, 'csrf_token_missing');

  step('open registration waits for an approval');
  await chooseRegistration('Open, with approval');
  await second.goto('/login');
  await second.getByText('Create an account').click();
  await second.waitForURL('**/register');
  await register(second, 'otto');
  await second.getByText('An administrator will look at it').waitFor();
  await second.getByRole('link', { name: 'To the login' }).click();
  await enter(second, 'otto');
  await second.getByRole('alert').getByText('The account is not active').waitFor();
  await admin.goto('/users');
  await row(admin, 'otto').getByText('Waits for approval').waitFor();
  await row(admin, 'otto').getByRole('button', { name: 'Approve' }).click();
  await row(admin, 'otto').getByText('Active', { exact: true }).waitFor();
  await enter(second, 'otto');
  await second.waitForURL('**/overview');

  step('a new role counts at once');
  await row(admin, 'otto').getByRole('button', { name: 'Edit' }).click();
  await dialog(admin).getByText('Operator', { exact: true }).click();
  await dialog(admin).getByRole('button', { name: 'Save' }).click();
  await row(admin, 'otto').getByText('Operator').waitFor();
  await second.goto('/silences');
  await second.getByRole('button', { name: 'New silence' }).first().waitFor();
  await refused(await call(second, 'GET', 'users'), 403, 'permission_denied');

  step('switched off: the session ends');
  await row(admin, 'vera').getByRole('button', { name: 'More' }).click();
  await admin.getByRole('menuitem', { name: 'Switch off' }).click();
  await dialog(admin).getByRole('button', { name: 'Confirm' }).click();
  await row(admin, 'vera').getByText('Off', { exact: true }).waitFor();
  // The page may find out by itself before the click.
  await guest.getByRole('link', { name: 'Servers', exact: true }).or(guest.getByText('Your session has ended')).first().click();
  await guest.waitForURL('**/login?back=*');
  await guest.getByText('Your session has ended').waitFor();
  await enter(guest, 'vera');
  await guest.getByRole('alert').getByText('The account is not active').waitFor();

  step('the audit log tells what was changed, and by whom');
  await admin.goto('/audit');
  await admin.getByRole('textbox', { name: 'Who' }).or(admin.getByPlaceholder('Who')).fill('e2e-admin');
  await eventually('the filter', async () => (await admin.url()).includes('actor='));
  await admin.goto(`${admin.url()}&action=user.updated`);
  const change = row(admin, 'otto');
  await change.getByRole('button').first().click();
  await admin.getByRole('columnheader', { name: 'Before' }).waitFor();
  const shown = await admin.locator('.ant-table-expanded-row').innerText();
  assert.match(shown, /viewer/);
  assert.match(shown, /operator/);
  const downloading = admin.waitForEvent('download');
  await admin.getByRole('button', { name: 'Export CSV' }).click();
  const path = await (await downloading).path();
  const { readFileSync } = await import('node:fs');
  assert.match(readFileSync(path, 'utf8'), /user\.updated.*otto/);
  await admin.getByRole('button', { name: 'Verify' }).click();
  await admin.getByRole('dialog').getByText('The audit log is intact').last().waitFor();
});
