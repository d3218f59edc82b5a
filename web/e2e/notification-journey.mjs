// From a channel to a message: a webhook is added and tested, a route leads to it, a rule fires
// and the listener hears of it; nobody acknowledges and the next listener hears; what is in
// maintenance stays quiet.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { call, choose, closeOptions, dialog, eventually, journey, read, row, setUp, step } from './journey.mjs';

/** Two addresses that take notifications: `/team` answers what it is told to, `/boss` is content. */
async function listen() {
  const heard = { '/team': [], '/boss': [] };
  const answers = { '/team': [200, 'heard by the team'], '/boss': [200, 'heard by the boss'] };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      heard[request.url]?.push(JSON.parse(body));
      const [status, text] = answers[request.url] ?? [404, 'nobody here'];
      response.writeHead(status, { 'Content-Type': 'text/plain' }).end(text);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    heard,
    answers,
    /** The messages about firing alerts of a rule. */
    of: (path, rule) => heard[path].filter(({ status, alerts }) => status === 'firing' && alerts.some(({ labels }) => labels.alertname === rule)),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

journey('notifications', async ({ server, visit }) => {
  const listener = await listen();
  try {
    await story(server, await visit(), listener);
  } finally {
    await listener.close();
  }
});

async function story(server, page, listener) {
  await setUp(page, server);

  step('the overview says that nobody is told yet');
  await page.getByText('First steps: nobody is told of alerts yet').waitFor();
  await page.getByRole('link', { name: 'To the channels' }).waitFor();

  step('two channels');
  for (const name of ['team', 'boss']) {
    await page.goto('/channels');
    await page.getByRole('button', { name: 'Add channel' }).first().click();
    await choose(page, dialog(page).locator('.ant-select').first(), 'Webhook (Alertmanager)');
    await dialog(page).getByLabel('Name').fill(name);
    await dialog(page).getByLabel('Webhook URL').fill(`${listener.url}/${name}`);
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await row(page, name).waitFor();
  }
  assert(!(await page.content()).includes(listener.url), 'the address, which may hold a token, is shown');

  step('a test shows what the other side really answered');
  listener.answers['/team'] = [503, 'we are closed'];
  await row(page, 'team').getByRole('button', { name: 'Test' }).click();
  await dialog(page).getByText('The message did not arrive').waitFor();
  await dialog(page).getByText('we are closed').waitFor();
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  listener.answers['/team'] = [200, 'heard by the team'];
  await row(page, 'team').getByRole('button', { name: 'Test' }).click();
  await dialog(page).getByText('The channel took the message').waitFor();
  await dialog(page).getByText('heard by the team').waitFor();
  await page.keyboard.press('Escape');
  assert(listener.heard['/team'].length >= 2, 'the test did not arrive');

  step('a route with an escalation');
  await page.goto('/channels?tab=routes');
  await choose(page, page.getByLabel('Channels').first(), 'team');
  await closeOptions(page);
  await page.getByLabel('Wait for more').fill('0s');
  await page.getByRole('button', { name: 'Add an escalation' }).click();
  await page.getByLabel('After', { exact: true }).fill('5s');
  await choose(page, page.getByLabel('Channels').last(), 'boss');
  await closeOptions(page);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Routes saved').waitFor();

  step('the first steps are done, but for another server');
  await page.goto('/overview');
  await page.getByText('Next: watch more machines').waitFor();
  await page.getByRole('button', { name: 'Add a server' }).click();
  await dialog(page).getByRole('button', { name: 'Make the command' }).click();
  const command = await dialog(page).getByTestId('shown-once').innerText();
  assert.match(command, /^curl -fsSL \S+\/install\.sh \| sudo sh -s -- .*--token ye_\S+/);
  assert(command.includes(`--server ${server.url} `), command);
  await dialog(page).getByText('Waiting for the machine').waitFor();
  await dialog(page).getByText('Close').click();
  await page.getByRole('button', { name: 'Hide' }).click();
  await page.getByText('Next: watch more machines').waitFor({ state: 'detached' });

  step('which route an alert would take');
  await page.goto('/channels?tab=routes');
  await page.getByLabel('Labels of an alert').fill('no label');
  await page.keyboard.press('Enter');
  await page.getByText('“no label” is no label').waitFor();
  await page.getByLabel('Labels of an alert').fill('alertname=Unheard');
  await page.keyboard.press('Enter');
  await page.getByText('All alerts → team').waitFor();
  await page.getByText('After 5s: boss').waitFor();

  step('a maintenance window that is open now');
  await page.goto('/silences?tab=windows');
  await page.getByRole('button', { name: 'New window' }).first().click();
  await dialog(page).getByLabel('Name', { exact: true }).fill('upgrade');
  await dialog(page).getByLabel('Opens (cron)').fill('* * * * *');
  await dialog(page).getByLabel('Length').fill('60');
  await dialog(page).getByRole('button', { name: 'Add a condition' }).click();
  await dialog(page).getByLabel('Label').last().fill('alertname');
  await dialog(page).getByLabel('Value').last().fill('InMaintenance');
  await page.keyboard.press('Tab');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await row(page, 'upgrade').getByText('Open now').waitFor();

  step('rules fire');
  const rule = (name) => `      - alert: ${name}\n        expr: vector(1) > 0\n        labels: {severity: critical}\n`;
  const source = `groups:\n  - name: e2e\n    interval: 1s\n    rules:\n${rule('InMaintenance')}${rule('Unheard')}`;
  const applied = await call(page, 'POST', 'rule-groups', { source });
  assert(applied.ok(), await applied.text());

  step('the team hears of it, and when nobody acknowledges, the boss');
  const [first] = await eventually('the notification', () => listener.of('/team', 'Unheard').length > 0 && listener.of('/team', 'Unheard'));
  assert.equal(first.version, '4');
  assert.equal(first.commonLabels.severity ?? first.alerts[0].labels.severity, 'critical');
  await eventually('the escalation', () => listener.of('/boss', 'Unheard').length > 0);

  step('what is in maintenance fires too, and nobody is told');
  const quiet = (await read(page, 'alerts?rule=InMaintenance')).items[0];
  assert.equal(quiet?.state, 'firing');
  assert.deepEqual([...listener.of('/team', 'InMaintenance'), ...listener.of('/boss', 'InMaintenance')], []);

  step('the log of notifications tells what was sent');
  await page.goto('/channels?tab=log');
  await row(page, 'Unheard').filter({ hasText: 'team' }).getByText('Sent').first().waitFor();
  await row(page, 'Unheard').filter({ hasText: 'boss' }).getByText('Sent').first().waitFor();
  assert.equal(await row(page, 'InMaintenance').count(), 0);
}
