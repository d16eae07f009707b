import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, joinSecond, openDevice, ready, signIn, test } from '../support/story.js';

test.use({ devices: { accepted: 2, waiting: 0 } });

test('server #1 dies: its device is on server #2, and stays there when #1 is back', async ({ operator: page, site }) => {
  test.setTimeout(180_000);
  // What is refused on the standby stays typed there.
  page.on('dialog', (dialog) => dialog.accept());
  const second = await joinSecond(page, site);
  try {
    await openDevice(page, site.portal, firstDevice);
    await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
    await apply(page);
    await expectPush(page, /committed/i);

    await site.portal.kill();
    await signIn(page, second);
    const row = page.getByRole('row', { name: new RegExp(String(firstDevice)) });
    await eventually(page, async () => expect(row).toContainText('BioStar Server #2', { timeout: 500 }));
    await expect(page.getByText(/standby/i).first()).toBeVisible();

    await openDevice(page, second, firstDevice);
    await page.getByLabel('Name', { exact: true }).fill('Not here');
    await apply(page);
    await expect(page.getByRole('alert').first()).toContainText(/standby/i);

    await site.portal.launch();
    await signIn(page, site.portal);
    await ready(page);
    await eventually(page, async () => expect(row).toContainText('BioStar Server #2', { timeout: 500 }));
  } finally {
    await second.stop();
    if (!(await fetch(`${site.portal.url}/health/live`).then((a) => a.ok, () => false))) await site.portal.launch();
  }
});
