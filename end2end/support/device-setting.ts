// The Device Setting page as a person uses it.
import { expect, type Page } from '@playwright/test';
import { hasScript } from './test.js';

export type Row = { address: string; port?: number };

/** Types the rows into the Server table, from the top. */
export async function fillServers(page: Page, rows: Row[]): Promise<void> {
  for (const [index, row] of rows.entries()) {
    const address = page.getByLabel(`Address of entry ${index + 1}`, { exact: true });
    if (!(await address.isVisible())) await page.getByRole('button', { name: 'Add server' }).click();
    await address.fill(row.address);
    const priority = page.getByLabel(`Priority of entry ${index + 1}`, { exact: true });
    if ((await priority.inputValue()) === '') await priority.fill(String(index + 1));
    if (row.port !== undefined) await page.getByLabel(`Port of entry ${index + 1}`, { exact: true }).fill(String(row.port));
  }
}

export async function apply(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Apply' }).click();
}

/** Waits until the push says so; reloads where no script does. */
export async function expectPush(page: Page, words: RegExp): Promise<void> {
  await expect(async () => {
    if (!(await hasScript(page))) await page.reload();
    await expect(page.getByRole('status', { name: 'Push' })).toContainText(words, { timeout: 500 });
  }).toPass({ timeout: 60_000 });
}
