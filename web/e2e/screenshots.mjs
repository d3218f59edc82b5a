// Takes pictures of every page and dialog in both languages, wide and narrow, into
// target/screenshots/, and fails on errors in the browser, on texts that are not translated, and on
// pages that are wider than the screen. Signs in with YUNHAI_USER and YUNHAI_PASSWORD where they are
// given; PAGES=a,b takes only some.
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch, open } from './browser.mjs';
import { pagesOf } from './pages.mjs';

const OUT = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));
const LANGUAGES = { en: 'light', 'zh-CN': 'dark' };
const SIZES = [[1440, 900], [390, 1400]];
const SETTLE = 700;
const LOADING_LIMIT = 10_000;
const only = process.env.PAGES?.split(',');
mkdirSync(OUT, { recursive: true });

const texts = Object.fromEntries(
  Object.keys(LANGUAGES).map((language) => [language, JSON.parse(readFileSync(new URL(`../src/locales/${language}.json`, import.meta.url), 'utf8'))]),
);

/** What the interface shows in place of a text that is missing. */
const MISSING = /⟦.*⟧/;

/** What is wrong with the page as it stands. */
async function faultsOf(page) {
  const faults = [];
  const spill = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (spill > 1) faults.push(`${spill} px wider than the screen`);
  const words = await page.evaluate(() => {
    const found = [document.title, ...document.body.innerText.split('\n')];
    for (const element of document.querySelectorAll('[placeholder], [aria-label], [title]')) {
      for (const name of ['placeholder', 'aria-label', 'title']) found.push(element.getAttribute(name) ?? '');
    }
    return found;
  });
  for (const text of words) if (MISSING.test(text)) faults.push(`not translated: ${text.trim()}`);
  return faults;
}

/** Waits until nothing is on its way any more, or long enough. */
async function settle(page) {
  await page.waitForTimeout(SETTLE);
  await page.waitForFunction(() => !document.querySelector('.ant-spin-spinning'), undefined, { timeout: LOADING_LIMIT }).catch(() => {});
  await page.waitForTimeout(SETTLE / 2);
}

/** Signs in and finds something to look at: a server, an alert, a group. */
async function prepare(browser) {
  const { context, page } = await open(browser);
  await page.goto('/login');
  if (process.env.YUNHAI_USER) {
    await page.locator('#name').fill(process.env.YUNHAI_USER);
    await page.locator('#password').fill(process.env.YUNHAI_PASSWORD ?? '');
    await page.locator('button[type=submit]').click();
    await page.waitForURL('**/overview');
  }
  const first = async (path) => (await (await page.request.get(`/api/v1/${path}`)).json()).items?.[0];
  const found = {
    server: (await first('servers?page_size=1'))?.name ?? 'this-machine',
    alert: (await first('alerts?page_size=1'))?.id,
    group: (await first('rule-groups?page_size=1'))?.name,
    rule: (await first('rule-groups?page_size=1'))?.rules[0]?.name,
    probe: (await first('probes?page_size=1'))?.id,
    cloud: (await first('cloud-accounts?page_size=1&sort=state'))?.name,
  };
  const storage = await context.storageState();
  await context.close();
  return { storage, found };
}

const browser = await launch();
const { storage, found } = await prepare(browser);
const faults = new Set();
for (const [language, appearance] of Object.entries(LANGUAGES)) {
  const text = (key) => key.split('.').reduce((tree, part) => tree[part], texts[language]);
  for (const [width, height] of SIZES) {
    const signedIn = await open(browser, { language, width, height, appearance, storage });
    const anonymous = await open(browser, { language, width, height, appearance });
    for (const { name, path, open: press, signedOut, answers } of pagesOf(found)) {
      if (only && !only.includes(name)) continue;
      const view = signedOut && process.env.YUNHAI_USER ? anonymous : signedIn;
      const { page } = view;
      view.faults.length = 0;
      for (const [resource, json] of Object.entries(answers ?? {})) {
        await page.route(`**/api/v1/${resource}`, (route) => route.fulfill({ json }));
      }
      await page.goto(path, { waitUntil: 'domcontentloaded' });
      await page.locator('main h1, .page-head, .auth, .ant-result').first().waitFor({ timeout: 30_000 });
      await settle(page);
      const say = (fault) => faults.add(`${name} (${language}, ${width} px): ${fault}`);
      for (const key of press ?? []) {
        // In the dialog, the page or the menu that it opened, not in the navigation, whose names are alike.
        const dialog = page.getByRole('dialog');
        const place = (await dialog.count()) > 0 ? dialog : page.locator('main');
        // Names that are the same in both languages stand there themselves.
        const name = key.includes('.') ? text(key) : key;
        if (!name) throw new Error(`${key} is no text`);
        const button = place
          .getByRole('button', { name })
          .or(place.getByRole('switch', { name }))
          .or(place.locator('.ant-segmented-item, .ant-radio-button-wrapper').filter({ hasText: name }))
          .or(page.locator('.ant-dropdown').getByRole('menuitem', { name }))
          .first();
        const pressed = await button.click({ timeout: 5000 }).then(() => true, () => false);
        if (!pressed) say(`there is no button ${key}`);
        await settle(page);
      }
      for (const fault of [...(await faultsOf(page)), ...view.faults]) say(fault);
      await page.screenshot({ path: `${OUT}${name}.${language}.${width}.png`, fullPage: name === 'overview' });
      await page.unrouteAll();
    }
    await signedIn.context.close();
    await anonymous.context.close();
  }
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`screenshots in ${OUT}`);
process.exitCode = faults.size > 0 ? 1 : 0;
