import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, joinSecond, openDevice, ready, signIn, test } from '../support/test.js';

test.use({ devices: { accepted: 3, waiting: 0 } });

test('with automatic promotion the devices make server #2 active when #1 dies', async ({ operator: page, installation }) => {
  test.setTimeout(240_000);
  const second = await joinSecond(page, installation);
  try {
    for (const device of [0, 1, 2]) {
      await openDevice(page, installation.portal, firstDevice + device);
      await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
      await apply(page);
      await expectPush(page, /committed/i);
    }

    await page.goto(`${installation.portal.url}/servers`);
    await ready(page);
    const card = page.locator('section', { has: page.getByRole('heading', { name: 'Automatic promotion' }) });
    await expect(card).toContainText('Off');
    await card.getByText('Switch on', { exact: true }).click();
    await card.getByRole('button', { name: 'Switch it on' }).click();
    await eventually(page, async () => expect(card).toContainText('3 of 3; 3 of them on this server', { timeout: 500 }));
    await expect(card).toContainText('Switch off');
    await expect(card).not.toContainText('not in force');
    // The other server has to have stored it, too.
    await page.waitForTimeout(4_000);

    await installation.portal.kill();
    await signIn(page, second);
    await page.goto(`${second.url}/servers`);
    await ready(page);
    const own = page.getByRole('region', { name: 'Servers', exact: true }).getByRole('row', { name: 'BioStar Server #2' });
    await eventually(page, async () => expect(own).toContainText('Active', { timeout: 500 }));
    await expect(page.getByRole('region', { name: 'Past failovers' })).toContainText('silent for 9 s, while 3 of the 3 devices');
    await expect(card).toContainText('On, not in force');
    if (process.env.AUTOMATIC_PICTURE) await page.screenshot({ path: process.env.AUTOMATIC_PICTURE, fullPage: true });

    // It changes things now.
    await openDevice(page, second, firstDevice);
    await page.getByLabel('Name', { exact: true }).fill('Renamed on #2');
    await apply(page);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Renamed on #2');
  } finally {
    await second.stop();
    await installation.portal.launch();
  }
});
