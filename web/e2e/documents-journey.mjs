// The documentation of the API in the browser: all of it comes from this server, it respects the
// content policy, and a request can be tried out.
import assert from 'node:assert/strict';
import { journey, read, setUp, step } from './journey.mjs';

journey('the documentation of the API', async ({ server, visit }) => {
  const page = await visit();
  await setUp(page, server);
  const elsewhere = [];
  await page.route('**/*', (route) => {
    const url = route.request().url();
    if (url.startsWith(server.url) || url.startsWith('data:')) return route.continue();
    elsewhere.push(url);
    return route.abort();
  });

  step('from the settings to the documentation');
  await page.goto('/settings');
  await page.getByRole('link', { name: 'Documentation of the API' }).click();
  await page.waitForURL('**/api/docs/**');
  const operation = page.locator('.opblock').filter({ hasText: '/api/v1/servers' }).first();
  await operation.waitFor();

  step('every operation is there');
  const { paths } = await (await page.request.get('/api/openapi.json')).json();
  const methods = ['get', 'put', 'post', 'patch', 'delete'];
  const described = Object.values(paths).flatMap((path) => Object.keys(path).filter((method) => methods.includes(method))).length;
  assert.equal(await page.locator('.opblock').count(), described);

  step('one is tried out');
  await operation.click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  await operation.locator('.live-responses-table .response-col_status').filter({ hasText: '200' }).waitFor();
  assert(Number.isInteger((await read(page, 'servers')).total));

  assert.deepEqual(elsewhere, [], 'the page wanted something from elsewhere');
});
