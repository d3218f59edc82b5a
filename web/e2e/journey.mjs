// What the journeys share: each has a server and a browser of its own, so that they run beside
// each other in any order.
//
// YUNHAI_BINARY     the program to test (default: the development build)
// YUNHAI_WAIT_SECS  how long collecting, firing and notifying may take (default 180)
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, open } from './browser.mjs';
import { startServer } from './server.mjs';

const WAIT = Number(process.env.YUNHAI_WAIT_SECS ?? 180) * 1000;
const PICTURES = fileURLToPath(new URL('../../target/e2e-failures/', import.meta.url));

export const ADMIN = 'e2e-admin';
export const PASSWORD = `correct-horse-${Math.random().toString(36).slice(2)}-battery`;

/**
 * Runs `steps` with a fresh server. They get `server`, and `visit` which opens a page with cookies
 * of its own. Every error that a page logs fails the journey, unless the server refused a request or
 * said that somebody else does not answer (that is what many steps are about).
 *
 * In CI a journey that failed is told of and gets a second chance: machines there stall for longer
 * than some steps can wait.
 */
export function journey(name, steps, { config } = {}) {
  test(name, { timeout: 4 * WAIT + 240_000 }, async () => {
    try {
      await run(steps, config);
    } catch (error) {
      if (!process.env.CI) throw error;
      console.error(`“${name}” failed, and is tried once more:\n${error.stack}`);
      await run(steps, config);
    }
  });
}

async function run(steps, config) {
  const server = await startServer(config);
  const browser = await launch();
  const visits = [];
  const visit = async (options = {}) => {
    const view = await open(browser, { base: server.url, ...options });
    visits.push(view);
    return view.page;
  };
  try {
    await steps({ server, visit });
    const faults = visits.flatMap(({ faults }) => faults).filter((fault) => !/status of (4\d\d|503)/.test(fault));
    assert.deepEqual(faults, [], 'errors in the browser');
    await browser.close();
    await server.stop();
  } catch (error) {
    mkdirSync(PICTURES, { recursive: true });
    for (const [at, { page }] of visits.entries()) {
      const picture = `${PICTURES}${basename(process.argv[1], '.mjs')}-${at + 1}.png`;
      await page.screenshot({ path: picture }).catch(() => {});
      console.error(`page ${at + 1} was at ${page.url()}; its picture is ${picture}`);
    }
    throw error;
  } finally {
    await browser.close();
    server.kill();
  }
}

export const step = (text) => console.log(`· ${text}`);

/** Asks again until the answer is there, and returns it. */
export async function eventually(what, ask, pause = 500) {
  const end = Date.now() + WAIT;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert(Date.now() < end, `timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Waits until the element is there; false when it does not come. */
export const appears = (locator, timeout = 5000) => locator.first().waitFor({ timeout }).then(() => true, () => false);

/** Creates the administrator without the form, and shows the overview. */
export async function setUp(page, { code }) {
  const answer = await page.request.post('/api/v1/setup', { data: { code, name: ADMIN, password: PASSWORD } });
  assert(answer.ok(), `set-up: ${answer.status()} ${await answer.text()}`);
  await page.goto('/overview');
  await page.getByRole('button', { name: 'My account' }).waitFor();
}

/** Fills the login form, and does not wait for what comes of it. */
export async function enter(page, name, password = PASSWORD) {
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function signIn(page, name, password = PASSWORD) {
  await page.goto('/login');
  await enter(page, name, password);
  await page.waitForURL('**/overview');
}

export async function signOut(page) {
  await page.getByRole('button', { name: 'My account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL('**/login');
}

/** Calls the API as the person of the page does, with the session's token; returns the answer. */
export async function call(page, method, path, data) {
  const session = await (await page.request.get('/api/v1/session')).json();
  return page.request.fetch(`/api/v1/${path}`, { method, data, headers: { 'X-CSRF-Token': session.csrf_token ?? '' } });
}

/** Reads from the API, which must not refuse. */
export async function read(page, path) {
  const answer = await page.request.get(`/api/v1/${path}`);
  assert(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

/** Makes a user without the form. */
export async function makeUser(page, name, role) {
  const answer = await call(page, 'POST', 'users', { name, role, password: PASSWORD });
  assert.equal(answer.status(), 201, await answer.text());
  return answer.json();
}

/** The row of a table that has this text. */
export const row = (page, text) => page.getByRole('row').filter({ hasText: text });

/** The open dialog. */
export const dialog = (page) => page.locator('.ant-modal:visible').last();

const options = (page) => page.locator('.ant-select-dropdown:visible');

/** Opens a select and takes the option; a select of several stays open. */
export async function choose(page, select, option) {
  await select.click();
  await options(page).getByText(option, { exact: true }).click();
}

/** Closes the open select, and waits until its options cannot be mistaken for another's. */
export async function closeOptions(page) {
  await page.keyboard.press('Escape');
  await options(page).waitFor({ state: 'hidden' });
}

/** Asserts that a call was refused with a code of the API. */
export async function refused(answer, status, code) {
  assert.equal(answer.status(), status, await answer.text());
  assert.equal((await answer.json()).code, code);
}
