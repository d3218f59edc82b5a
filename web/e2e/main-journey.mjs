// The main job in a real browser against a running Yunhai that has just been started:
// set-up → login → this machine's CPU chart → a rule by the form → it fires → acknowledge →
// silence → the audit log shows all of it.
//
// YUNHAI_URL         where it runs; its data directory must be fresh
// YUNHAI_SETUP_CODE  the code that it printed
// YUNHAI_WAIT_SECS   how long collecting and firing may take (default 180)
import assert from 'node:assert/strict';
import { launch, open } from './browser.mjs';

const CODE = process.env.YUNHAI_SETUP_CODE;
const WAIT = Number(process.env.YUNHAI_WAIT_SECS ?? 180) * 1000;
assert(CODE, 'YUNHAI_SETUP_CODE is not set');
const NAME = 'e2e-admin';
const PASSWORD = `correct-horse-${Math.random().toString(36).slice(2)}-battery`;
const RULE = 'E2eMemoryInUse';

const browser = await launch();
const { page, faults } = await open(browser);
const step = (text) => console.log(`· ${text}`);

/** Tries again, with the page loaded anew, until it holds or the time is up. */
async function eventually(what, check) {
  const end = Date.now() + WAIT;
  for (;;) {
    if (await check()) return;
    assert(Date.now() < end, `timed out: ${what}`);
    await page.waitForTimeout(2000);
    await page.reload();
  }
}

/** Waits until the element is there; false when it does not come. */
const appears = (locator, timeout = 5000) => locator.first().waitFor({ timeout }).then(() => true, () => false);

async function json(path) {
  const answer = await page.request.get(`/api/v1/${path}`);
  assert(answer.ok(), `${path}: ${answer.status()}`);
  return answer.json();
}

try {
  step('set-up');
  await page.goto('/');
  await page.waitForURL('**/setup');
  await page.getByLabel('Set-up code').fill(CODE);
  await page.getByLabel('User name').fill(NAME);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.waitForURL('**/overview');

  step('sign out and in again');
  await page.getByRole('button', { name: 'My account' }).click();
  await page.getByText('Sign out').click();
  await page.waitForURL('**/login');
  await page.getByLabel('User name').fill(NAME);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The name or the password is wrong').waitFor();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/overview');

  step('collect oftener, so that nobody waits for five minutes');
  await page.goto('/settings');
  await page.getByLabel('Collection interval').fill('5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Settings saved').waitFor();

  step("this machine's CPU chart with real data");
  await page.goto('/servers');
  await eventually('a server in the list', async () => appears(page.locator('a.link[href^="/servers/"]')));
  const server = (await json('servers?page_size=1')).items[0].name;
  await page.goto(`/servers/${encodeURIComponent(server)}`);
  const cpu = `server_cpu_utilization_ratio{server="${server}"}`;
  await eventually('CPU samples', async () => {
    const answer = await page.request.get(`/prometheus/api/v1/query?query=${encodeURIComponent(cpu)}`);
    const { data } = await answer.json();
    return data?.result?.length > 0 && Number(data.result[0].value[1]) >= 0;
  });
  const chart = page.getByRole('img', { name: 'server_cpu_utilization_ratio' });
  await eventually('the CPU chart', async () => {
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
  await eventually('the alert', async () => appears(page.getByRole('link', { name: RULE })));
  await page.getByRole('link', { name: RULE }).first().click();
  await page.getByText('Timeline').waitFor();

  step('acknowledge');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('dialog').getByLabel('Comment').fill('looking at it');
  await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('heading').getByText('Acknowledged').waitFor();

  step('silence');
  await page.getByRole('button', { name: 'Silence' }).click();
  await page.getByRole('dialog').getByLabel('Comment').fill('quiet while we look');
  await page.getByRole('dialog').getByRole('button', { name: 'Silence' }).click();
  await page.getByText('Silenced').first().waitFor();
  await page.goto('/silences');
  await page.getByText('quiet while we look').waitFor();

  step('the audit log shows all of it');
  await page.goto('/audit');
  await page.getByText(NAME).first().waitFor();
  const { items } = await json('audit?page_size=200');
  for (const word of ['rule', 'acknowledge', 'silence', 'settings']) {
    assert(items.some(({ action }) => action.includes(word)), `no audit entry about ${word}: ${items.map(({ action }) => action).join(', ')}`);
  }
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText(/Entries checked: [1-9]/).waitFor();

  assert.deepEqual(faults.filter((fault) => !/status of 4\d\d/.test(fault)), [], 'errors in the browser');
  console.log('the main journey works');
} catch (error) {
  await page.screenshot({ path: new URL('../../target/e2e-failure.png', import.meta.url).pathname }).catch(() => {});
  console.error(`failed at ${page.url()}; a picture is in target/e2e-failure.png`);
  throw error;
} finally {
  await browser.close();
}
