import { apply, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { expect, openDevice, signIn, test } from '../support/test.js';

test.use({ devices: { accepted: 1, waiting: 0 } });

test('the second of two operators gets a clear conflict and keeps what was typed', async ({ operator: first, browser, installation }) => {
  const context = await browser.newContext(test.info().project.use);
  const second = await context.newPage();
  await signIn(second, installation.portal);
  await openDevice(first, installation.portal, firstDevice);
  await openDevice(second, installation.portal, firstDevice);
  await fillServers(second, [{ address: '127.0.0.1' }, { address: '10.9.9.2' }]);

  await fillServers(first, [{ address: '127.0.0.1' }, { address: '10.9.9.1' }]);
  await apply(first);
  await expect(async () => {
    const list = await (await installation.portal.api(`/devices/${firstDevice}/servers`)).json();
    expect(list.revision).toBe(2);
  }).toPass();

  await apply(second);
  await expect(second.getByRole('alert')).toContainText('admin saved revision 2 while you were editing');
  await expect(second.getByLabel('Address of entry 2', { exact: true })).toHaveValue('10.9.9.2');
  expect((await (await installation.portal.api(`/devices/${firstDevice}/servers`)).json()).revision).toBe(2);
  await context.close();
});
