import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, joinSecond, openDevice, ready, signIn, test } from '../support/test.js';
import type { Portal } from '../support/portal.js';
import type { Page } from '@playwright/test';

test.use({ devices: { accepted: 2, waiting: 0 } });

async function openServers(page: Page, portal: Portal): Promise<void> {
  await page.goto(`${portal.url}/servers`);
  await ready(page);
}

/** The role that the page shows for a server. */
async function expectRole(page: Page, server: string, role: string): Promise<void> {
  const row = page.getByRole('region', { name: 'Servers', exact: true }).getByRole('row', { name: server });
  await eventually(page, async () => expect(row).toContainText(role, { timeout: 500 }));
}

test('server #2 takes over from #1, which comes back as its standby and takes the role again', async ({ operator: page, installation }) => {
  test.setTimeout(240_000);
  const second = await joinSecond(page, installation);
  try {
    await openDevice(page, installation.portal, firstDevice);
    await fillServers(page, [{ address: '127.0.0.1' }, { address: '127.0.0.1', port: second.gateway }]);
    await apply(page);
    await expectPush(page, /committed/i);

    await installation.portal.kill();
    await signIn(page, second);
    await openServers(page, second);
    const card = page.locator('section', { has: page.getByRole('heading', { name: 'Make this server active' }) });
    await eventually(page, async () => expect(card).toContainText('does not answer', { timeout: 500 }));
    // A slip of the hand does nothing.
    await page.getByLabel('How was the other server stopped?').fill('pulled the plug');
    await page.getByLabel('Type the name of this server to confirm').fill('BioStar Server #1');
    await page.getByRole('button', { name: 'Make this server active' }).click();
    await expect(page.getByRole('alert').first()).toBeVisible();
    await expect(page.getByLabel('How was the other server stopped?')).toHaveValue('pulled the plug');
    await ready(page);
    await page.getByLabel('Type the name of this server to confirm').fill('BioStar Server #2');
    await page.getByRole('button', { name: 'Make this server active' }).click();
    await expectRole(page, 'BioStar Server #2', 'Active');
    await expect(page.getByText(/Two servers may be active/)).toBeVisible();
    await expect(page.getByRole('region', { name: 'Past failovers' })).toContainText('pulled the plug');

    // The new active server changes devices.
    await openDevice(page, second, firstDevice);
    await page.getByLabel('Name', { exact: true }).fill('Renamed on #2');
    await apply(page);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Renamed on #2');

    await installation.portal.launch();
    await signIn(page, installation.portal);
    const overtaken = page.getByText(/was made active \(epoch 2\)/);
    await eventually(page, async () => expect(overtaken).toBeVisible({ timeout: 500 }));
    await openServers(page, installation.portal);
    await page.getByText('Join as standby', { exact: true }).first().click();
    await page.getByRole('button', { name: 'Join as standby' }).click();
    await expectRole(page, 'BioStar Server #1', 'Standby');

    // The way back: nobody has to say how anything was stopped.
    await eventually(page, async () => expect(page.getByText('nothing is lost')).toBeVisible({ timeout: 500 }));
    await page.getByLabel('Type the name of this server to confirm').fill('BioStar Server #1');
    await page.getByRole('button', { name: 'Make this server active' }).click();
    await expectRole(page, 'BioStar Server #1', 'Active');
    await expectRole(page, 'BioStar Server #2', 'Standby');
    await openDevice(page, installation.portal, firstDevice);
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Renamed on #2');
  } finally {
    await second.stop();
    if (!(await fetch(`${installation.portal.url}/health/live`).then((a) => a.ok, () => false))) await installation.portal.launch();
  }
});
