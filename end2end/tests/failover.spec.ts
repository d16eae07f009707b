import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, joinSecond, openDevice, ready, signIn, test } from '../support/test.js';

test.use({ devices: { accepted: 2, waiting: 0 } });

test('server #1 dies: its device is on server #2, and stays there when #1 is back', async ({ operator: page, installation }) => {
  test.setTimeout(180_000);
  // What is refused on the standby stays typed there.
  page.on('dialog', (dialog) => dialog.accept());
  const second = await joinSecond(page, installation);
  try {
    await openDevice(page, installation.portal, firstDevice);
    await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
    await apply(page);
    await expectPush(page, /committed/i);

    await installation.portal.kill();
    await signIn(page, second);
    const row = page.getByRole('row', { name: new RegExp(String(firstDevice)) });
    await eventually(page, async () => expect(row).toContainText('BioStar Server #2', { timeout: 500 }));
    await expect(page.getByText(/standby/i).first()).toBeVisible();

    await page.goto(`${second.url}/servers`);
    const lost = page.getByRole('region', { name: 'Servers that were lost' }).getByRole('row', { name: /BioStar Server #1/ });
    await eventually(page, async () => expect(lost).toContainText(/1 of \d devices? on another server/, { timeout: 500 }));
    // The other device knows only the server that died.
    await expect(page.getByText('1 device is on no server')).toBeVisible();
    await page.getByRole('link', { name: 'Show which, and since when' }).click();
    await expect(page.getByText(/Global Zone and Server Matching are unavailable/)).toBeVisible();
    await expect(page.getByRole('region', { name: 'Devices' }).getByRole('row', { name: /Last seen/ })).toHaveCount(1);

    await openDevice(page, second, firstDevice);
    await page.getByLabel('Name', { exact: true }).fill('Not here');
    await apply(page);
    await expect(page.getByRole('alert').first()).toContainText(/standby/i);

    await installation.portal.launch();
    await signIn(page, installation.portal);
    await ready(page);
    await eventually(page, async () => expect(row).toContainText('BioStar Server #2', { timeout: 500 }));
  } finally {
    await second.stop();
    if (!(await fetch(`${installation.portal.url}/health/live`).then((a) => a.ok, () => false))) await installation.portal.launch();
  }
});
