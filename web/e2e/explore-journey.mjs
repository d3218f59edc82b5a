// From a question to its answer: PromQL with completion, a chart that is zoomed into, and a server
// compared with itself before.
import assert from 'node:assert/strict';
import { eventually, journey, read, setUp, step } from './journey.mjs';

journey('explore', async ({ server, visit }) => {
  const page = await visit();
  await setUp(page, server);
  const measured = await eventually('the server measures itself', async () => {
    const answer = await page.request.get('/prometheus/api/v1/query_range', {
      params: { query: 'server_load1', start: Date.now() / 1000 - 600, end: Date.now() / 1000, step: 15 },
    });
    const { data } = await answer.json();
    return data?.result.length > 0 && data;
  });
  assert.equal(measured.resultType, 'matrix');

  step('the editor completes a metric, and runs the query');
  await page.goto('/explore');
  const editor = page.locator('.cm-content');
  await editor.click();
  await page.keyboard.type('server_loa');
  await page.locator('.cm-tooltip-autocomplete').getByText('server_load15').waitFor();
  await page.locator('.cm-tooltip-autocomplete li').filter({ hasText: /server_load1(?!5)/ }).first().click();
  await editor.getByText('server_load1', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Run' }).click();
  await page.waitForURL('**/explore?expr=server_load1*');
  const chart = page.locator('canvas').first();
  await chart.waitFor();

  step('a stretch that is dragged over is zoomed into, and "back" undoes it');
  const { x, y, width, height } = await chart.boundingBox();
  await page.mouse.move(x + width * 0.4, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.5, y + height / 2, { steps: 4 });
  await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d+&to=\d+/);
  const zoomed = new URL(page.url()).searchParams;
  const minutes = (zoomed.get('to') - zoomed.get('from')) / 60_000;
  assert(minutes > 5 && minutes < 25, `a fifth of an hour became ${minutes} minutes`);
  await page.goBack();
  await page.waitForURL((url) => !url.search.includes('from='));

  step('a table gives the newest value');
  await page.getByRole('tab', { name: 'Table' }).click();
  await page.getByRole('row').filter({ hasText: 'server_load1' }).or(page.getByRole('row').filter({ hasText: 'server=' })).first().waitFor();

  step('a server is compared with the period before');
  const [{ name }] = (await read(page, 'servers')).items;
  await page.goto(`/servers/${encodeURIComponent(name)}`);
  await page.getByLabel('Compare').click();
  await page.getByText('The period before').last().click();
  await page.waitForURL(/compare=previous/);
  await page.locator('canvas').first().waitFor();
});
