// Two people and two tabs: what was typed stays when somebody else saves, and a tab goes on when
// another has signed in.
import assert from 'node:assert/strict';
import { ADMIN, call, dialog, enter, journey, makeUser, PASSWORD, read, row, setUp, signIn, signOut, step } from './journey.mjs';

const GROUP = 'shared';
const PATH = `rule-groups/${GROUP}`;
const file = (comment) => `groups:\n  - name: ${GROUP}\n    rules:\n      - alert: Never\n        expr: vector(1) < 0\n# ${comment}\n`;

journey('changes meanwhile', async ({ server, visit }) => {
  const page = await visit();
  await setUp(page, server);
  await makeUser(page, 'olga', 'operator');
  const other = await visit();
  await signIn(other, 'olga');
  const stored = async () => (await read(page, PATH)).source;
  const write = async (where, text) => {
    await where.locator('.cm-content').click();
    await where.keyboard.press('Control+End');
    await where.keyboard.type(text);
  };
  const save = (where) => where.getByRole('button', { name: 'Save' }).click();

  step('a new group takes its name from the file, and replaces no other');
  await page.goto('/rules/groups/new');
  await page.getByLabel('Group', { exact: true }).fill('yunhai-defaults');
  await page.locator('.cm-content').getByText('yunhai-defaults').waitFor();
  await save(page);
  await page.getByText('There is a group named yunhai-defaults already').waitFor();
  await page.getByLabel('Group', { exact: true }).fill(GROUP);
  await save(page);
  await page.waitForURL(`**/rules/groups/${GROUP}`);
  assert((await call(page, 'PUT', PATH, { source: file('made') })).ok());

  step('who has typed nothing sees what the other one saves');
  await page.locator('.cm-content').getByText('# made').waitFor();
  await other.goto(`/rules/groups/${GROUP}`);
  await other.locator('.cm-content').getByText('# made').waitFor();
  await write(other, '# by olga');
  await save(other);
  await page.locator('.cm-content').getByText('# by olga').waitFor();

  step('who has typed keeps it, and chooses');
  await write(page, '# by the administrator');
  assert((await call(other, 'PUT', PATH, { source: file('second') })).ok());
  await page.getByText('Somebody else has saved this meanwhile').waitFor();
  await page.locator('.cm-content').getByText('# by the administrator').waitFor();
  assert(await page.getByRole('button', { name: 'Save' }).isDisabled(), 'one could save without having chosen');
  await page.getByRole('button', { name: 'Go on with mine' }).click();
  await save(page);
  await page.getByText('Saved').first().waitFor();
  assert.match(await stored(), /by the administrator/);

  step('what no event has told, the server refuses');
  await page.route('**/api/v1/events', () => undefined);
  await page.reload();
  await page.locator('.cm-content').getByText('# by the administrator').waitFor();
  await write(page, '# late');
  assert((await call(other, 'PUT', PATH, { source: file('third') })).ok());
  await save(page);
  await page.getByRole('button', { name: 'Drop mine and take theirs' }).click();
  await page.locator('.cm-content').getByText('# third').waitFor();
  assert.match(await stored(), /third/);
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  step('a dialog asks too, before it replaces what somebody else saved');
  const silence = { matchers: [{ name: 'server', op: '=', value: 'nobody' }], ends_at_ms: Date.now() + 3_600_000 };
  const { id } = await (await call(page, 'POST', 'silences', { ...silence, comment: 'at first' })).json();
  const comment = async () => (await read(page, `silences/${id}`)).comment;
  await page.goto('/silences');
  for (const choice of ['Drop mine and take theirs', 'Go on with mine']) {
    const [mine, theirs] = [`${choice}, says the administrator`, `${choice}, says olga`];
    await row(page, 'nobody').getByRole('button', { name: 'Edit' }).click();
    assert((await call(other, 'PUT', `silences/${id}`, { ...silence, comment: theirs })).ok());
    await dialog(page).getByLabel('Comment').fill(mine);
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).getByText('Somebody else has saved this meanwhile').waitFor();
    assert.equal(await comment(), theirs);
    await dialog(page).getByRole('button', { name: choice }).click();
    await dialog(page).waitFor({ state: 'detached' });
    assert.equal(await comment(), choice.includes('theirs') ? theirs : mine);
  }

  step('also where the page behind the dialog shows it already');
  const probe = { name: 'shop', target: 'tcp://127.0.0.1:1', interval_secs: 600 };
  const made = await (await call(page, 'POST', 'probes', probe)).json();
  await page.goto(`/probes/${made.id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  assert((await call(page, 'PUT', `probes/${made.id}`, { ...probe, name: 'shop of olga' })).ok());
  await page.getByRole('heading', { name: 'shop of olga' }).waitFor({ state: 'attached' });
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await dialog(page).getByText('Somebody else has saved this meanwhile').waitFor();
  await dialog(page).getByLabel('Name').fill('shop of both');
  await dialog(page).getByRole('button', { name: 'Go on with mine' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  assert.equal((await read(page, `probes/${made.id}`)).name, 'shop of both');

  step('another tab signs in, and this one goes on');
  const tab = await page.context().newPage();
  await signOut(page);
  await tab.goto('/servers');
  await tab.waitForURL('**/login?back=**');
  await enter(page, ADMIN, PASSWORD);
  await page.waitForURL('**/overview');
  await tab.waitForURL('**/servers');

  step('and it notices that the other has signed out');
  await signOut(page);
  await tab.waitForURL('**/login?back=**');
});
