// Starts the system's Chromium for the scripts beside this file.
import { chromium } from 'playwright-core';

/** How long a page may take for one step, on a machine that is busy with other things. */
const PATIENCE = 90_000;

export const BASE = process.env.YUNHAI_URL ?? 'http://127.0.0.1:8420';

export function launch() {
  const root = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: root ? ['--no-sandbox'] : [],
  });
}

/** A context in a language and size; errors of the page are collected in `faults`. */
export async function open(browser, { base = BASE, language = 'en', width = 1440, height = 900, appearance = 'light', storage, ...more } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    locale: language,
    timezoneId: 'Asia/Shanghai',
    baseURL: base,
    // A click on what is still unfolding may miss it.
    reducedMotion: 'reduce',
    storageState: storage,
    ...more,
  });
  await context.addInitScript(
    (preferences) => localStorage.setItem('yunhai.preferences', preferences),
    JSON.stringify({ language, appearance }),
  );
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => {
    // The browser's own page about a refused connection is none of ours.
    if (!page.url().startsWith('chrome-error:')) faults.push(`${page.url()}: ${error.message}`);
  });
  page.on('console', (message) => {
    // The login page finds out by a 401 that nobody is signed in; that is no fault.
    if (message.type() === 'error' && !/status of 401/.test(message.text())) faults.push(`${page.url()}: ${message.text()}`);
  });
  return { context, page, faults };
}
