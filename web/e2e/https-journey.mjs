// HTTPS with the certificate that Yunhai makes itself: nothing goes in the clear, and the
// session's cookie never leaves the encrypted connection.
import assert from 'node:assert/strict';
import { ADMIN, appears, enter, journey, setUp, signOut, step } from './journey.mjs';

const config = '[server]\ntls = { mode = "self-signed" }\nsign_ins_per_minute = 1000\n';

journey(
  'HTTPS',
  async ({ server, visit }) => {
    assert.match(server.url, /^https:/);

    step('a browser that does not know the certificate refuses it');
    const stranger = await visit();
    const refusal = await stranger.goto('/').then(() => undefined, (error) => error.message);
    assert.match(String(refusal), /ERR_CERT_AUTHORITY_INVALID/);

    step('one that was told to trust it signs in');
    const page = await visit({ ignoreHTTPSErrors: true });
    await setUp(page, server);
    await signOut(page);
    const answered = page.waitForResponse((response) => response.url().endsWith('/api/v1/session') && response.request().method() === 'POST');
    await enter(page, ADMIN);
    const response = await answered;
    await page.waitForURL('**/overview');
    assert.match((await response.securityDetails()).protocol, /TLS 1\.[23]/);
    assert.match((await response.allHeaders())['strict-transport-security'], /max-age=\d{7,}/);

    step('the cookie is for this host, encrypted, and out of reach of scripts');
    const cookies = await page.context().cookies();
    assert.equal(cookies.length, 1);
    const [{ name, secure, httpOnly, sameSite }] = cookies;
    assert.deepEqual({ name, secure, httpOnly, sameSite }, { name: '__Host-yunhai-session', secure: true, httpOnly: true, sameSite: 'Strict' });
    assert.equal(await page.evaluate(() => document.cookie), '');

    step('live updates come over it');
    await page.getByText('Live', { exact: true }).waitFor();

    step('plain HTTP gets nothing there');
    const plain = await fetch(server.url.replace('https:', 'http:')).then(({ status }) => status, () => 'refused');
    assert.notEqual(plain, 200);
    assert(await appears(page.getByRole('heading', { name: 'Overview' })));
  },
  { config },
);
