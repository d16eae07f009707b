import { firstDevice } from '../support/fleet.js';
import { eventually, expect, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 2, waiting: 0 } });

test('what a device logs is listed once, also what it logged while it was offline', async ({ operator: page, installation }) => {
  const id = firstDevice;
  await installation.fleet.use(id, 2, 'Online');
  await installation.fleet.tell('down', id);
  await installation.fleet.use(id, 3, 'Offline');
  await installation.fleet.use(firstDevice + 1, 1, 'Elsewhere');
  await installation.fleet.tell('up', id);

  await page.goto(`${installation.portal.url}/events?device=${id}`);
  await ready(page);
  const rows = page.getByRole('region', { name: 'Events' }).getByRole('row');
  await eventually(page, async () => {
    await expect(rows.filter({ hasText: 'Offline' })).toHaveCount(3, { timeout: 500 });
  });
  await expect(rows.filter({ hasText: 'Online' })).toHaveCount(2);
  await expect(rows.filter({ hasText: 'Elsewhere' })).toHaveCount(0);
  await expect(rows.filter({ hasText: 'BioStar 2 disconnected' }).first()).toBeVisible();
});
