// The second factor: set up, used, not twice, replaced by a recovery code, renewed, taken away by
// an administrator.
import assert from 'node:assert/strict';
import { dialog, enter, eventually, journey, makeUser, read, row, setUp, signIn, signOut, step } from './journey.mjs';
import { Device } from './totp.mjs';

const NAME = 'mei';

journey('the second factor', async ({ server, visit }) => {
  const admin = await visit();
  await setUp(admin, server);
  await makeUser(admin, NAME, 'operator');
  const page = await visit();
  await signIn(page, NAME);

  const shownCodes = async () => {
    const codes = page.getByTestId('shown-once');
    await codes.waitFor();
    return (await codes.innerText()).trim().split(/\s+/);
  };
  /** Goes on from the name and the password with a code. */
  const enterCode = async (code) => {
    await page.getByLabel('One-time code').fill(code);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const enterRecoveryCode = async (code) => {
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(code);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const notValid = () => page.getByRole('alert').getByText('The code is not valid').waitFor();
  const begin = async () => {
    await page.goto('/login');
    await enter(page, NAME);
    await page.getByLabel('One-time code').waitFor();
  };

  step('set up: a QR code is drawn, a wrong code is refused');
  await page.goto('/account');
  await page.getByRole('button', { name: 'Set up' }).click();
  const picture = page.locator('.ant-qrcode canvas');
  await picture.waitFor();
  const dark = await picture.evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 128 && data[at] < 64) count += 1;
    return count / (data.length / 4);
  });
  assert(dark > 0.2 && dark < 0.8, `the QR code is ${dark} dark`);
  const device = new Device(await page.getByTestId('totp-secret').innerText());
  await page.getByLabel('One-time code').fill('000000');
  await page.getByRole('button', { name: 'Confirm' }).click();
  await notValid();
  await page.getByLabel('One-time code').fill(await device.code());
  await page.getByRole('button', { name: 'Confirm' }).click();
  const first = await shownCodes();
  assert(first.length >= 8, `only ${first.length} recovery codes`);
  assert.equal(new Set(first).size, first.length, 'recovery codes repeat');
  await page.getByRole('button', { name: 'I have stored them' }).click();
  await page.getByText('A second factor is set up').waitFor();
  assert.equal((await read(page, 'me')).totp_enabled, true);

  step('sign in with a code; the same code again is refused');
  await signOut(page);
  await begin();
  await enterCode('123123');
  await notValid();
  const code = await device.code();
  await enterCode(code);
  await page.waitForURL('**/overview');
  await signOut(page);
  await begin();
  await enterCode(code);
  await notValid();

  step('a recovery code replaces the device, once');
  await begin();
  await enterRecoveryCode(first[0]);
  await page.waitForURL('**/overview');
  await signOut(page);
  await begin();
  await enterRecoveryCode(first[0]);
  await notValid();
  await page.getByLabel('Recovery code').fill(first[1]);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/overview');

  step('renew the recovery codes: the old ones are worth nothing');
  await page.goto('/account');
  await page.getByText(`Recovery codes left: ${first.length - 2}`).waitFor();
  await page.getByRole('button', { name: 'New recovery codes' }).click();
  await dialog(page).getByRole('button', { name: 'New recovery codes' }).click();
  const second = await shownCodes();
  assert.equal(second.length, first.length);
  assert(second.every((one) => !first.includes(one)), 'an old recovery code came again');
  await page.getByRole('button', { name: 'I have stored them' }).click();
  await page.getByText(`Recovery codes left: ${second.length}`).waitFor();
  await signOut(page);
  await begin();
  await enterRecoveryCode(first[2]);
  await notValid();
  await page.getByLabel('Recovery code').fill(second[0]);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/overview');

  step('an administrator takes it away: the password is enough again');
  await admin.goto('/users');
  await row(admin, NAME).getByRole('button', { name: 'More' }).click();
  await admin.getByRole('menuitem', { name: 'Remove second factor' }).click();
  await dialog(admin).getByRole('button', { name: 'Confirm' }).click();
  await eventually('the second factor is gone', async () => {
    const { items } = await read(admin, `users?q=${NAME}`);
    return items[0].totp_enabled === false;
  });
  await page.context().clearCookies();
  await signIn(page, NAME);

  const { items } = await read(admin, 'audit?page_size=100');
  const actions = items.map(({ action }) => action).join(' ');
  for (const word of ['second_factor', 'recovery']) assert.match(actions, new RegExp(word));
});
