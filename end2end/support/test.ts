// What every test starts from: a portal of its own, devices on it, and somebody signed in.
import { test as base, expect, type Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from './fleet.js';
import { Portal, password } from './portal.js';

type Installation = { portal: Portal; fleet: Fleet; folder: string };

export const test = base.extend<{ operator: Page }, { folder: string; installation: Installation; devices: { accepted: number; waiting: number } }>({
  devices: [{ accepted: 3, waiting: 0 }, { scope: 'worker', option: true }],
  folder: [
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'failover-'));
      await use(folder);
      if (!process.env.KEEP_DATA) rmSync(folder, { recursive: true, force: true });
    },
    { scope: 'worker' },
  ],
  installation: [
    async ({ folder, devices }, use) => {
      const portal = await Portal.start(join(folder, 'server1'), 'BioStar Server #1');
      try {
        const fleet = await Fleet.start(portal, folder, devices.accepted, devices.waiting);
        await use({ portal, fleet, folder });
        await fleet.stop();
      } finally {
        await portal.stop();
      }
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  operator: async ({ page, installation }, use) => {
    await signIn(page, installation.portal);
    await use(page);
  },
});

export { expect };

/** Signs the administrator in and waits for the device list. */
export async function signIn(page: Page, portal: Portal): Promise<void> {
  await page.goto(`${portal.url}/login`);
  await ready(page);
  // A browser that is still signed in was led on.
  if (new URL(page.url()).pathname === '/login') {
    await page.getByLabel('Login').fill('admin');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  await expect(page.getByRole('heading', { level: 1, name: 'All Devices' })).toBeVisible();
  await ready(page);
}

/** Waits until the page reacts to clicks; without script it does at once. */
export async function ready(page: Page): Promise<void> {
  if (await hasScript(page)) await expect(page.locator('[data-hydrated]')).toBeAttached({ timeout: 45_000 });
}

/** Whether this browser runs the page's script. */
export async function hasScript(page: Page): Promise<boolean> {
  return base.info().project.use.javaScriptEnabled !== false && page.url() !== 'about:blank';
}

/** Opens a device's settings. */
export async function openDevice(page: Page, portal: Portal, id: number): Promise<void> {
  await page.goto(`${portal.url}/devices/${id}`);
  await ready(page);
  await expect(page.getByRole('group', { name: 'Server', exact: true })).toBeVisible();
}

/** Reloads where there is no script to do it. */
export async function eventually(page: Page, look: () => Promise<void>): Promise<void> {
  await expect(async () => {
    if (!(await hasScript(page))) await page.reload();
    await look();
  }).toPass({ timeout: 40_000 });
}

/** Brings a second server in, and confirms it on the page of the first. */
export async function joinSecond(page: Page, installation: Installation): Promise<Portal> {
  return Portal.join(join(installation.folder, 'server2'), 'BioStar Server #2', installation.portal, async (fingerprint) => {
    await page.goto(`${installation.portal.url}/servers`);
    await ready(page);
    await page.getByRole('row', { name: fingerprint }).getByRole('button', { name: /^Confirm/ }).click();
  });
}
