// Takes pictures of every page in both languages, wide and narrow, into target/screenshots/.
// Signs in with YUNHAI_USER and YUNHAI_PASSWORD where they are given.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch, open } from './browser.mjs';

const OUT = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));
const only = process.env.PAGES?.split(',');
mkdirSync(OUT, { recursive: true });

const browser = await launch();
let storage;
let server = 'this-machine';
let alert;
let probe;
{
  const { context, page } = await open(browser);
  await page.goto('/login');
  if (process.env.YUNHAI_USER) {
    await page.getByLabel('User name').fill(process.env.YUNHAI_USER);
    await page.getByLabel('Password').fill(process.env.YUNHAI_PASSWORD ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/overview');
  }
  storage = await context.storageState();
  const first = async (path) => (await (await page.request.get(path)).json()).items?.[0];
  server = (await first('/api/v1/servers?page_size=1'))?.name ?? server;
  alert = (await first('/api/v1/alerts?page_size=1'))?.id;
  probe = (await first('/api/v1/probes?page_size=1'))?.id;
  await context.close();
}

const PAGES = {
  overview: '/overview',
  servers: '/servers',
  server: `/servers/${encodeURIComponent(server)}`,
  compare: `/servers/${encodeURIComponent(server)}?compare=previous`,
  probes: '/probes',
  ...(probe ? { probe: `/probes/${probe}` } : {}),
  explore: '/explore',
  'explore-graph': `/explore?expr=${encodeURIComponent('avg by (server) (server_cpu_utilization_ratio)')}`,
  alerts: '/alerts',
  history: '/alerts?state=resolved',
  ...(alert ? { alert: `/alerts/${alert}` } : {}),
  rules: '/rules',
  'rule-form': '/rules/new',
  'rule-group': '/rules/groups/new',
  backtest: `/rules/backtest?expr=${encodeURIComponent('server_cpu_utilization_ratio > 0.5')}&for=300`,
  silences: '/silences',
  windows: '/silences?tab=windows',
  channels: '/channels',
  routes: '/channels?tab=routes',
  notifications: '/channels?tab=log',
  users: '/users',
  invitations: '/users?tab=invitations',
  audit: '/audit',
  settings: '/settings',
  account: '/account',
  sessions: '/account?tab=sessions',
  tokens: '/account?tab=tokens',
  login: '/login',
  register: '/register',
};

const faults = [];
for (const language of ['en', 'zh-CN']) {
  for (const [width, height] of [[1440, 900], [390, 1400]]) {
    const appearance = language === 'en' ? 'light' : 'dark';
    const view = await open(browser, { language, width, height, appearance, storage });
    const anonymous = await open(browser, { language, width, height, appearance });
    for (const [name, path] of Object.entries(PAGES)) {
      if (only && !only.includes(name)) continue;
      const { page } = ['login', 'register'].includes(name) && process.env.YUNHAI_USER ? anonymous : view;
      await page.goto(path, { waitUntil: 'domcontentloaded' });
      await page.locator('main, .page-head, .ant-result').first().waitFor({ timeout: 15_000 });
      await page.waitForTimeout(900);
      const spill = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (spill > 1) faults.push(`${name} ${language} ${width}: ${spill} px wider than the screen`);
      await page.screenshot({ path: `${OUT}${name}.${language}.${width}.png`, fullPage: name === 'overview' });
    }
    faults.push(...view.faults);
    await view.context.close();
    await anonymous.context.close();
  }
}
await browser.close();
for (const fault of new Set(faults)) console.error(fault);
console.log(`screenshots in ${OUT}`);
process.exitCode = faults.length > 0 ? 1 : 0;
