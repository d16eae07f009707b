import { expect, ready, signIn, test } from '../support/test.js';

test.use({ devices: { accepted: 0, waiting: 0 } });

test('an administrator signs in and out', async ({ page, installation }) => {
  await signIn(page, installation.portal);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.goto(`${installation.portal.url}/devices`);
  await expect(page).toHaveURL(/\/login\?next=/);
});

test('a wrong password is refused and says so', async ({ page, installation }) => {
  await page.goto(`${installation.portal.url}/login`);
  await ready(page);
  await page.getByLabel('Login').fill('admin');
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('Wrong login or password');
  await expect(page.getByLabel('Login')).toHaveValue('admin');
});

test('signing in leads back to the page that was asked for', async ({ page, installation }) => {
  await page.goto(`${installation.portal.url}/waiting-devices`);
  await ready(page);
  await page.getByLabel('Login').fill('admin');
  await page.getByLabel('Password').fill('correct horse 51213');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Waiting Device' })).toBeVisible();
});
