import { firstDevice } from '../support/fleet.js';
import { eventually, expect, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 0, waiting: 2 } });

test('a waiting device is accepted and connects; another is rejected', async ({ operator: page, installation }) => {
  await page.goto(`${installation.portal.url}/waiting-devices`);
  await ready(page);
  await page.getByRole('row', { name: new RegExp(String(firstDevice)) }).getByRole('button', { name: /^Accept/ }).click();
  await eventually(page, async () => {
    await expect(page.getByRole('row', { name: new RegExp(String(firstDevice)) })).toHaveCount(0, { timeout: 500 });
  });
  await expect(async () => expect(await installation.portal.isConnected(firstDevice)).toBe(true)).toPass();

  await page.getByRole('row', { name: new RegExp(String(firstDevice + 1)) }).getByRole('button', { name: /^Reject/ }).click();
  await eventually(page, async () => {
    await expect(page.getByRole('row', { name: new RegExp(String(firstDevice + 1)) })).toHaveCount(0, { timeout: 500 });
  });
  expect((await installation.portal.api(`/devices/${firstDevice + 1}`)).status).toBe(404);
});
