import { firstDevice } from '../support/fleet.js';
import { eventually, expect, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 2, waiting: 0 } });

test('a device goes offline and comes back, and the list shows it', async ({ operator: page, installation }) => {
  await page.goto(`${installation.portal.url}/devices`);
  await ready(page);
  const row = page.getByRole('row', { name: new RegExp(String(firstDevice)) });
  await expect(row).toContainText('Connected');
  await installation.fleet.tell('down', firstDevice);
  await eventually(page, async () => expect(row).toContainText('Disconnected', { timeout: 500 }));
  await installation.fleet.tell('up', firstDevice);
  await eventually(page, async () => expect(row).not.toContainText('Disconnected', { timeout: 500 }));
});
