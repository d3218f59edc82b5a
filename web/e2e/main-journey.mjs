// The main job: set-up → login → this machine's CPU chart → a rule by the form → it fires →
// acknowledge → silence → the audit log shows all of it.
import assert from 'node:assert/strict';
import { ADMIN, appears, dialog, enter, eventually, journey, PASSWORD, read, signOut, step } from './journey.mjs';

const RULE = 'E2eMemoryInUse';

journey('the main journey', async ({ server, visit }) => {
  const page = await visit();
  /** Tries again, with the page loaded anew, until it holds. */
  const reloaded = (what, check) =>
    eventually(what, async () => (await check()) || (await page.reload(), false), 1500);

  step('set-up');
  await page.goto('/');
  await page.waitForURL('**/setup');
  await page.getByLabel('Set-up code').fill('AAAA-BBBB-CCCC');
  await page.getByLabel('User name').fill(ADMIN);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.getByRole('alert').getByText('The set-up code is wrong').waitFor();
  await page.getByLabel('Set-up code').fill(server.code);
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.waitForURL('**/overview');

  step('sign out and in again');
  await signOut(page);
  await enter(page, ADMIN, 'not the password');
  await page.getByText('The name or the password is wrong').waitFor();
  await enter(page, ADMIN);
  await page.waitForURL('**/overview');

  step('collect oftener, so that nobody waits for five minutes');
  await page.goto('/settings');
  await page.getByLabel('Collection interval').fill('5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Settings saved').waitFor();

  step("this machine's CPU chart with real data");
  await page.goto('/servers');
  await reloaded('a server in the list', () => appears(page.locator('a.link[href^="/servers/"]')));
  const server_name = (await read(page, 'servers?page_size=1')).items[0].name;
  await page.goto(`/servers/${encodeURIComponent(server_name)}`);
  const cpu = `server_cpu_utilization_ratio{server="${server_name}"}`;
  await eventually('CPU samples', async () => {
    const answer = await page.request.get(`/prometheus/api/v1/query?query=${encodeURIComponent(cpu)}`);
    const { data } = await answer.json();
    return data?.result?.length > 0 && Number(data.result[0].value[1]) >= 0;
  });
  const chart = page.getByRole('img', { name: 'server_cpu_utilization_ratio' });
  await reloaded('the CPU chart', async () => {
    if (!(await appears(chart.locator('canvas')))) return false;
    // Something is drawn in a colour that is neither the grid nor the text.
    return chart.locator('canvas').first().evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let drawn = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 128 && data[at + 2] - data[at] > 100) drawn += 1;
      return drawn > 5;
    });
  });

  step('a rule by the form');
  await page.goto('/rules/new');
  await page.getByLabel('Name', { exact: true }).fill(RULE);
  await page.getByLabel('Metric').fill('server_memory_utilization_ratio');
  await page.keyboard.press('Escape');
  await page.getByLabel('Threshold').fill('0.1');
  await page.getByLabel('For at least').fill('0');
  await page.getByLabel('Summary').fill('Memory is in use');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.locator('pre.code').waitFor();
  assert.match(await page.locator('pre.code').innerText(), /server_memory_utilization_ratio/);
  await page.getByRole('button', { name: 'Save rule' }).click();
  await page.waitForURL('**/rules');

  step('it fires');
  await page.goto(`/alerts?state=firing&rule=${RULE}`);
  await reloaded('the alert', () => appears(page.getByRole('link', { name: RULE })));
  await page.getByRole('link', { name: RULE }).first().click();
  await page.getByText('Timeline').waitFor();

  step('acknowledge');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await dialog(page).getByLabel('Comment').fill('looking at it');
  await dialog(page).getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('heading').getByText('Acknowledged').waitFor();

  step('silence');
  await page.getByRole('button', { name: 'Silence' }).click();
  await dialog(page).getByText('Active alerts that meet them now: 1').waitFor();
  await dialog(page).getByLabel('Comment').fill('quiet while we look');
  await dialog(page).getByRole('button', { name: 'Silence' }).click();
  await page.getByText('Silenced').first().waitFor();
  await page.goto('/silences');
  await page.getByText('quiet while we look').waitFor();

  step('the audit log shows all of it');
  await page.goto('/audit');
  await page.getByText(ADMIN).first().waitFor();
  const { items } = await read(page, 'audit?page_size=200');
  for (const word of ['rule', 'acknowledge', 'silence', 'settings']) {
    assert(items.some(({ action }) => action.includes(word)), `no audit entry about ${word}: ${items.map(({ action }) => action).join(', ')}`);
  }
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText(/Entries checked: [1-9]/).waitFor();
});
