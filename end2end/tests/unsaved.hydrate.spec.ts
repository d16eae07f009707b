import { firstDevice } from '../support/fleet.js';
import { expect, openDevice, test } from '../support/test.js';

test.use({ devices: { accepted: 1, waiting: 0 } });

test('whoever leaves with unsaved changes is asked first', async ({ operator: page, installation }) => {
  await openDevice(page, installation.portal, firstDevice);
  const name = page.getByLabel('Name', { exact: true });
  const servers = page.getByRole('link', { name: 'Servers' });
  await name.fill('Half typed');

  page.once('dialog', (dialog) => dialog.dismiss());
  await servers.click();
  await expect(name).toHaveValue('Half typed');

  page.once('dialog', (dialog) => dialog.accept());
  await servers.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Servers' })).toBeVisible();

  await openDevice(page, installation.portal, firstDevice);
  page.on('dialog', () => {
    throw new Error('nothing was changed, so nothing is asked');
  });
  await servers.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Servers' })).toBeVisible();
});
