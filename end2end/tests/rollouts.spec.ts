import type { Page } from '@playwright/test';
import { fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { eventually, expect, hasScript, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 3, waiting: 0 } });
test.describe.configure({ mode: 'serial' });

/** Opens the question behind a button and answers it. */
async function confirm(page: Page, opens: string, yes: string): Promise<void> {
  await page.getByText(opens, { exact: true }).click();
  await page.getByRole('button', { name: yes, exact: true }).click();
}

const devicesByState = (page: Page) => page.getByRole('list', { name: 'Devices by state' });

test('chosen devices get new servers in waves, and get the old ones back', async ({ operator: page, installation }) => {
  test.setTimeout(240_000);
  for (const id of [firstDevice, firstDevice + 1]) {
    await page.getByRole('row').filter({ hasText: String(id) }).getByRole('checkbox').check();
  }
  if (await hasScript(page)) await expect(page.getByRole('status', { name: 'Chosen devices' })).toHaveText('2 chosen');
  await page.getByRole('button', { name: 'Edit servers …' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Edit servers' })).toBeVisible();
  await ready(page);
  await expect(page.getByRole('list', { name: 'Waves' }).getByRole('listitem')).toHaveText(['Wave 1: 1 device', 'Wave 2: 1 device']);

  await fillServers(page, [{ address: '127.0.0.1' }, { address: '10.9.9.9', port: 0 }]);
  await page.getByRole('button', { name: 'Apply to 2 devices' }).click();
  await expect(page.getByLabel('Port of entry 2', { exact: true })).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Address of entry 2', { exact: true })).toHaveValue('10.9.9.9');
  await page.getByLabel('Port of entry 2', { exact: true }).fill('51213');
  await page.getByRole('button', { name: 'Apply to 2 devices' }).click();

  await expect(page.getByRole('heading', { level: 1, name: 'Rollout 1' })).toBeVisible();
  await ready(page);
  await eventually(page, async () => {
    await expect(page.getByRole('status', { name: 'Rollout' })).toContainText('Finished', { timeout: 500 });
  });
  await expect(devicesByState(page).getByRole('link', { name: '2 Committed' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Waves' }).getByRole('row')).toHaveCount(3);
  const list = await (await installation.portal.api(`/devices/${firstDevice}/servers`)).json();
  expect(list.entries.map((entry: { address: string }) => entry.address)).toEqual(['127.0.0.1', '10.9.9.9']);

  await confirm(page, 'Roll back …', 'Roll back rollout 1');
  await expect(page.getByRole('heading', { level: 1, name: 'Rollout 2' })).toBeVisible();
  await ready(page);
  await eventually(page, async () => {
    await expect(page.getByRole('status', { name: 'Rollout' })).toContainText('Finished', { timeout: 500 });
  });
  const back = await (await installation.portal.api(`/devices/${firstDevice}/servers`)).json();
  expect(back.entries.map((entry: { address: string }) => entry.address)).toEqual(['127.0.0.1']);
});

test('a rollout is paused, resumed and aborted', async ({ operator: page, installation }) => {
  test.slow();
  await page.getByRole('link', { name: 'Edit servers of all 3 …' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Edit servers' })).toBeVisible();
  await ready(page);
  await fillServers(page, [{ address: '127.0.0.1' }, { address: '10.9.9.7', port: 51213 }]);
  await page.getByRole('button', { name: 'Apply to 3 devices' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Rollout 3' })).toBeVisible();
  await ready(page);
  const state = page.getByRole('status', { name: 'Rollout' });
  await confirm(page, 'Pause …', 'Pause rollout 3');
  await expect(state).toContainText('Paused');
  await confirm(page, 'Resume …', 'Resume rollout 3');
  await expect(state).toContainText('Running');
  await confirm(page, 'Abort …', 'Abort rollout 3');
  await expect(state).toContainText('Aborted');
  await expect(devicesByState(page).getByRole('link', { name: /[12] Waiting/ })).toBeVisible();

  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Rollouts' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'Rollout 3' })).toContainText('Aborted');
  expect((await (await installation.portal.api('/rollouts')).json()).total).toBe(3);
});

test('the history shows what changed, and an earlier list is restored', async ({ operator: page, installation }) => {
  test.slow();
  const id = firstDevice + 2;
  const port = installation.portal.gateway;
  const before = await installation.portal.api(`/devices/${id}/servers`);
  const base = (await before.json()).revision;
  const entries = [
    { address: '127.0.0.1', port, priority: 1 },
    { address: '10.9.9.1', port: 51213, priority: 2 },
  ];
  const saved = await installation.portal.api(`/devices/${id}/servers`, {
    method: 'PUT',
    headers: { 'if-match': `"${base}"` },
    body: JSON.stringify({ entries }),
  });
  expect(saved.status).toBe(202);
  await page.goto(`${installation.portal.url}/devices/${id}`);
  await ready(page);
  await expect(page.getByRole('heading', { level: 3, name: `Revision ${base + 1}`, exact: true })).toBeVisible();
  await expect(page.getByText('Added 10.9.9.1:51213, priority 2')).toBeVisible();
  await confirm(page, `Restore revision ${base} …`, `Restore revision ${base}`);
  await expect(page.getByRole('heading', { level: 3, name: `Revision ${base + 2}`, exact: true })).toBeVisible();
  await expect(page.getByText('Removed 10.9.9.1:51213, priority 2')).toBeVisible();
  const now = await (await installation.portal.api(`/devices/${id}/servers`)).json();
  expect([now.revision, now.entries.length]).toEqual([base + 2, 1]);
});
