import { apply, expectPush, fillServers } from '../support/device-setting.js';
import { firstDevice } from '../support/fleet.js';
import { expect, openDevice, test } from '../support/test.js';

test.use({ devices: { accepted: 3, waiting: 0 } });

test('a second server is added, pushed and committed', async ({ operator: page, installation }) => {
  test.slow();
  const id = firstDevice;
  await openDevice(page, installation.portal, id);
  await fillServers(page, [{ address: '127.0.0.1' }, { address: 'Backup.example.com', port: 51213 }]);
  await apply(page);
  await expectPush(page, /committed/i);
  const servers = await (await installation.portal.api(`/devices/${id}/servers`)).json();
  expect(servers.committed.entries).toEqual(servers.entries);
  expect(servers.entries.map((entry: { address: string }) => entry.address)).toEqual(['127.0.0.1', 'Backup.example.com']);
});

test('the name is saved', async ({ operator: page, installation }) => {
  const id = firstDevice + 1;
  await openDevice(page, installation.portal, id);
  await page.getByLabel('Name', { exact: true }).fill('Main entrance');
  await apply(page);
  await expect(async () => expect((await installation.portal.device(id)).name).toBe('Main entrance')).toPass();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Main entrance');
});

for (const { address, port, field, words } of [
  { address: '300.1.1.1', port: 51213, field: 'Address', words: /IPv4/i },
  { address: 'bad host', port: 51213, field: 'Address', words: /address|name/i },
  { address: 'fe80::1%eth0', port: 51213, field: 'Address', words: /zone/i },
  { address: '10.0.0.2', port: 0, field: 'Port', words: /1 to 65535/ },
  { address: '10.0.0.2', port: 65536, field: 'Port', words: /1 to 65535/ },
]) {
  test(`${address} port ${port} is refused at the field and kept`, async ({ operator: page, installation }) => {
    const id = firstDevice + 2;
    await openDevice(page, installation.portal, id);
    await fillServers(page, [{ address: '127.0.0.1' }, { address, port }]);
    await apply(page);
    const input = page.getByLabel(`${field} of entry 2`, { exact: true });
    await expect(input).toHaveAttribute('aria-invalid', 'true');
    await expect(input).toHaveAccessibleDescription(words);
    await expect(page.getByLabel('Address of entry 2', { exact: true })).toHaveValue(address);
    expect((await (await installation.portal.api(`/devices/${id}/servers`)).json()).revision).toBe(1);
  });
}

test('a list that reaches no server is given up, and the page says what failed', async ({ operator: page, installation }) => {
  test.setTimeout(180_000);
  const id = firstDevice + 2;
  await openDevice(page, installation.portal, id);
  await fillServers(page, [{ address: '127.0.0.1', port: 1 }]);
  await apply(page);
  await expect(async () => {
    const push = (await (await installation.portal.api(`/devices/${id}/servers`)).json()).push;
    expect(push.state).toBe('rolled_back');
  }).toPass({ timeout: 150_000 });
  await expectPush(page, /refused/i);
  expect(await installation.portal.isConnected(id)).toBe(true);
});
