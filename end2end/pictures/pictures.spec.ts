// The pictures in docs/, taken from running portals.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { Fleet, firstDevice } from '../support/fleet.js';
import { Portal } from '../support/portal.js';
import { expect, openDevice, ready, signIn, test } from '../support/test.js';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const doors = ['Main entrance', 'Reception', 'Server room', 'Archive', 'Loading bay', 'Laboratory', 'Canteen', 'Roof'];
/** The ports that an installation on machines of its own would show. */
const ports = { gateway: 51213, peers: 51215 };

// What the page says by default.
process.env.PROMOTION_HOLD = '30';

test.use({ viewport: { width: 1360, height: 850 }, colorScheme: 'light' });

async function take(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(docs, `${name}.png`), fullPage: true, animations: 'disabled' });
}

test('pictures for the documents', async ({ page, folder }) => {
  test.setTimeout(240_000);
  const first = await Portal.start(join(folder, 'server1'), 'BioStar Server #1', ports);
  const fleet = await Fleet.start(first, folder, doors.length, 1);
  const second = await Portal.join(join(folder, 'server2'), 'BioStar Server #2', first, async (fingerprint) => {
    await first.console('confirm', fingerprint);
  });
  try {
    for (const [index, name] of doors.entries()) {
      await first.api(`/devices/${firstDevice + index}`, { method: 'PATCH', body: JSON.stringify({ name }) });
    }
    await page.goto(`${first.url}/login`);
    await ready(page);
    await take(page, 'sign-in');

    await signIn(page, first);
    await openDevice(page, first, firstDevice);
    await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
    await apply(page);
    await expectPush(page, /committed/i);
    await fleet.tell('down', firstDevice + 5);
    await expect.poll(() => first.isConnected(firstDevice + 5)).toBe(false);
    await openDevice(page, first, firstDevice);
    await page.getByRole('button', { name: 'Test from device' }).click();
    await expect(page.getByRole('table', { name: /Tested from the device/ })).toBeVisible();
    await take(page, 'device-setting');

    for (const [path, name] of [['/devices', 'device-list'], ['/waiting-devices', 'waiting-device'], ['/servers', 'servers']]) {
      await page.goto(`${first.url}${path}`);
      await ready(page);
      await take(page, name);
    }
  } finally {
    await fleet.stop();
    await second.stop();
    await first.stop();
  }
});
