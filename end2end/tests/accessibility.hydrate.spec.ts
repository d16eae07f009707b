import { AxeBuilder } from '@axe-core/playwright';
import { firstDevice } from '../support/fleet.js';
import { expect, ready, test } from '../support/test.js';

test.use({ devices: { accepted: 1, waiting: 1 } });

for (const path of ['/devices', `/devices/${firstDevice}`, '/waiting-devices', '/provisioning', '/rollouts', '/rollouts/new?all=true', '/events', '/servers', '/login', '/nowhere']) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing serious on ${path} (${colorScheme})`, async ({ operator: page, installation }) => {
      const complaints: string[] = [];
      page.on('console', (message) => message.type() !== 'info' && message.type() !== 'log' && complaints.push(message.text()));
      await page.emulateMedia({ colorScheme });
      await page.goto(`${installation.portal.url}${path}`);
      await ready(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter((violation) => violation.impact === 'serious' || violation.impact === 'critical');
      expect(serious.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target).join(' ')}`)).toEqual([]);
      const unexpected = complaints.filter((text) => !(path === '/nowhere' && text.includes('404')));
      expect(unexpected, 'the browser console is quiet').toEqual([]);
    });
  }
}
