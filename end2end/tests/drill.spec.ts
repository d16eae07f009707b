import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, joinSecond, openDevice, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 2, waiting: 0 } });

test('a failover is practised, and the report names who went and who could not', async ({ operator: page, installation }) => {
  test.setTimeout(180_000);
  const second = await joinSecond(page, installation);
  try {
    // One device has both servers on its list, the other one only the first.
    await openDevice(page, installation.portal, firstDevice);
    await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
    await apply(page);
    await expectPush(page, /committed/i);

    await page.goto(`${installation.portal.url}/servers`);
    await ready(page);
    await page.getByText('Practise a failover to BioStar Server #2', { exact: true }).click();
    // A text that finds nothing is told once, and stays to be mended.
    await page.getByLabel('Devices', { exact: true }).fill('no such door');
    await page.getByRole('button', { name: 'Begin' }).click();
    await expect(page.getByText(/^Nothing was saved/)).toHaveCount(1);
    await ready(page);
    await page.getByLabel('Devices', { exact: true }).fill('');
    await page.getByRole('button', { name: 'Begin' }).click();
    await eventually(page, async () =>
      expect(page.getByText(/^Done: 1 of 2 devices passed, 1 failed, 0 events lost/)).toBeVisible({ timeout: 500 }),
    );
    // The button leads to the report, and so does the list on the page of the servers.
    await page.goto(`${installation.portal.url}/servers`);
    await page.getByRole('link', { name: /^Report of the drill/ }).click();
    const report = page.getByRole('region', { name: 'Devices of the drill' });
    await expect(report.getByRole('row').filter({ hasText: 'Passed' })).toHaveCount(1);
    await expect(report.getByRole('row').filter({ hasText: 'no entry of its list leads to that server' })).toHaveCount(1);
    await page.emulateMedia({ media: 'print' });
    await expect(page.getByRole('heading', { name: 'Failover drill to BioStar Server #2' })).toBeVisible();
    await expect(page.getByRole('banner')).toBeHidden();
    await page.emulateMedia({ media: 'screen' });
    if (process.env.DRILL_PICTURE) await page.screenshot({ path: process.env.DRILL_PICTURE, fullPage: true });
  } finally {
    await second.kill();
  }
});
