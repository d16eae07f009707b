import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, joinSecond, openDevice, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 2, waiting: 0 } });

test('a device tests its servers from where it is', async ({ operator: page, installation }) => {
  await openDevice(page, installation.portal, firstDevice);
  await page.getByRole('button', { name: 'Test from device' }).click();
  const table = page.getByRole('table', { name: /Tested from the device/ });
  const row = table.getByRole('row', { name: new RegExp(`127\\.0\\.0\\.1:${installation.portal.gateway}`) });
  await expect(row).toContainText(/passed/);
  await expect(row).toContainText(/BioStar Server #1 \(active\)/);
});

test('how a device returns is set beside its servers and pushed with them', async ({ operator: page, installation }) => {
  const id = firstDevice + 1;
  await openDevice(page, installation.portal, id);
  await page.getByLabel('Return to a better server').selectOption({ label: 'Sticky: stays until its connection is lost' });
  await page.getByText('Timings', { exact: true }).click();
  await page.getByLabel('Attempts per server').fill('9');
  await apply(page);
  await expect(page.getByLabel('Attempts per server')).toHaveAccessibleDescription(/1 to 5/);
  await expect(page.getByLabel('Attempts per server')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Return to a better server')).toHaveValue('sticky');
  await page.getByLabel('Attempts per server').fill('3');
  await apply(page);
  await expectPush(page, /committed/i);
  const servers = await (await installation.portal.api(`/devices/${id}/servers`)).json();
  expect(servers.settings).toMatchObject({ failback: 'sticky', attempts_per_entry: 3, hold_down_seconds: 300 });
  expect(servers.committed.settings).toEqual(servers.settings);
});

test('a device is sent to the other server', async ({ operator: page, installation }) => {
  test.setTimeout(120_000);
  const second = await joinSecond(page, installation);
  try {
    await openDevice(page, installation.portal, firstDevice);
    await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
    await apply(page);
    await expectPush(page, /committed/i);
    await page.reload();
    await ready(page);
    await page.getByLabel('Move to').selectOption({ label: `127.0.0.1:${second.gateway}` });
    await page.getByLabel('Stay', { exact: true }).selectOption({ label: 'until it is sent elsewhere' });
    await page.getByRole('button', { name: 'Move device' }).click();
    await eventually(page, async () => {
      await expect(page.getByText(/to BioStar Server #2/)).toBeVisible({ timeout: 500 });
      await expect(page.getByRole('status', { name: 'Last move' })).toContainText(/it is there/, { timeout: 500 });
    });
  } finally {
    await second.stop();
  }
});

test('a device is removed after a question', async ({ operator: page, installation }) => {
  const id = firstDevice + 1;
  await openDevice(page, installation.portal, id);
  await page.getByText('Remove …', { exact: true }).click();
  await page.getByRole('button', { name: `Remove device ${id}`, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'All Devices' })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: String(id) })).toHaveCount(0);
  expect((await installation.portal.api(`/devices/${id}`)).status).toBe(404);
});
