import { eventually, expect, joinSecond, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 0, waiting: 0 } });

test('a server that does not come back is removed once it is silent', async ({ operator: page, installation }) => {
  test.setTimeout(120_000);
  const second = await joinSecond(page, installation);
  await page.goto(`${installation.portal.url}/servers`);
  await ready(page);
  const row = page.getByRole('region', { name: 'Servers', exact: true }).getByRole('row', { name: 'BioStar Server #2' });
  await eventually(page, async () => expect(row).toContainText('Reachable', { timeout: 500 }));
  const remove = page.getByText('Remove BioStar Server #2', { exact: true });
  await expect(remove).toHaveCount(0);
  await second.kill();
  await eventually(page, async () => expect(row).toContainText('Unreachable', { timeout: 500 }));
  await remove.click();
  await expect(page.getByText(/is refused should it ever start again/)).toBeVisible();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await expect(row).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Servers', exact: true }).getByRole('row', { name: 'BioStar Server #1' })).toBeVisible();
});
