// From an account of a cloud to its servers: an account of AWS with a wrong address is refused with
// the reason, with the right one it is tried, kept and asked, and its servers are listed; a viewer
// sees them and can change nothing; the account is paused and deleted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { call, dialog, journey, makeUser, read, row, setUp, signIn, step } from './journey.mjs';
import { fill, startMoto } from './moto.mjs';

async function addressOfNobody() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

journey('clouds', async ({ server, visit }) => {
  const moto = await startMoto();
  try {
    await story(server, visit, moto.endpoint);
  } finally {
    moto.stop();
  }
});

async function story(server, visit, endpoint) {
  const ids = await fill(endpoint);
  const page = await visit();
  await setUp(page, server);
  const viewer = await visit();
  await makeUser(page, 'guest', 'viewer');
  await signIn(viewer, 'guest');

  step('nothing is there yet');
  await page.goto('/clouds');
  await page.getByText('No cloud accounts').waitFor();

  step('an account where nobody answers is refused');
  await page.getByRole('button', { name: 'Add account' }).first().click();
  const form = dialog(page);
  await form.locator('.ant-segmented-item-selected').getByText('AWS').waitFor();
  await form.getByLabel('Name', { exact: true }).fill('simulated');
  await form.getByLabel('Access key ID').fill('AKIAEXAMPLE');
  await form.getByLabel('Secret access key').fill('a-secret-of-nobody');
  await form.getByLabel('Regions').fill('eu-central-1');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await form.getByRole('button', { name: 'More' }).click();
  await form.getByLabel('Endpoint').fill(await addressOfNobody());
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('The cloud does not answer').waitFor();

  step('with the right address it is tried, and kept');
  await form.getByLabel('Endpoint').fill(endpoint);
  await form.getByRole('button', { name: 'Test' }).click();
  await form.getByText('The credentials work').waitFor();
  await form.getByRole('button', { name: 'Save' }).click();
  await row(page, 'simulated').waitFor();
  assert(!JSON.stringify(await read(page, 'cloud-accounts')).includes('a-secret'), 'the secret is shown');

  step('it is asked, and its servers are listed');
  await row(page, 'simulated').getByRole('button', { name: 'Ask now' }).click();
  await dialog(page).getByText('Everything could be had').waitFor();
  await dialog(page).getByText('Servers: 2').waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'simulated').getByRole('link', { name: '2', exact: true }).waitFor();
  step('a viewer sees them, among all servers too, and cannot add any');
  await viewer.goto('/clouds?tab=servers');
  for (const id of ids) await row(viewer, id).getByText('Running').waitFor();
  await viewer.goto('/servers');
  for (const id of ids) await row(viewer, id).getByText('37.5 %').waitFor();
  await viewer.goto('/clouds');
  await row(viewer, 'simulated').waitFor();
  assert.equal(await viewer.getByRole('button', { name: /Add account|Pause|Delete|Edit/ }).count(), 0);
  assert.equal((await call(viewer, 'POST', 'cloud-accounts', { name: 'other' })).status(), 403);

  step('it is paused, and deleted');
  await row(page, 'simulated').getByRole('button', { name: 'Pause' }).click();
  await row(page, 'simulated').getByText('Paused').waitFor();
  await row(page, 'simulated').getByRole('button', { name: 'Delete' }).click();
  await page.locator('.ant-popover:visible, .ant-modal:visible').getByRole('button', { name: 'Delete' }).last().click();
  await page.getByText('No cloud accounts').waitFor();
  await row(viewer, 'simulated').waitFor({ state: 'detached' });
}
