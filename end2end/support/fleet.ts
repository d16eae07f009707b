// Simulated door readers that dial a portal over the real protocol.
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { end, run, start, until } from './process.js';
import type { Portal } from './portal.js';

export const firstDevice = 547846001;

export class Fleet {
  private constructor(
    private readonly child: ChildProcess | undefined,
    private readonly control: string,
    readonly ids: number[],
  ) {}

  /** `accepted` devices that hold the portal's own address, and `waiting` ones that nobody accepted. */
  static async start(portal: Portal, folder: string, accepted: number, waiting = 0): Promise<Fleet> {
    if (accepted + waiting === 0) return new Fleet(undefined, '', []);
    const string = await portal.console('provision', '--uses', String(accepted + waiting));
    const control = join(folder, 'fleet.sock');
    const all = Array.from({ length: accepted + waiting }, (_, index) => firstDevice + index);
    const child = start(
      'bln',
      ['fleet', '-n', String(all.length), '--first-id', String(firstDevice), '--state', join(folder, 'devices'), '--provision', string, '--control', control],
      join(folder, 'fleet.log'),
    );
    const fleet = new Fleet(child, control, all);
    try {
      await fleet.settle(portal, accepted);
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** Accepts the first ones; the others wait. */
  private async settle(portal: Portal, accepted: number): Promise<void> {
    const ids = this.ids.slice(0, accepted);
    if (accepted > 0) {
      await portal.console('accept', '--wait', '30', ...ids.map(String));
      await until('all devices are connected', async () => {
        for (const id of ids) if (!(await portal.isConnected(id))) return false;
        return true;
      });
    }
    if (accepted < this.ids.length) {
      await until('a device waits', async () => {
        const answer = await portal.api('/waiting-devices');
        return JSON.stringify(await answer.json()).includes(String(this.ids.at(-1)));
      });
    }
  }

  /** `down`, `up`, `restart` or `cut-power` for one device. */
  async tell(verb: 'down' | 'up' | 'restart' | 'cut-power', id: number): Promise<void> {
    await run('bln', ['ctl', '--control', this.control, verb, String(id)]);
  }

  /** Somebody uses this device's door so many times. */
  async use(id: number, times: number, user: string): Promise<void> {
    await run('bln', ['ctl', '--control', this.control, 'event', String(id), String(times), '--user', user]);
  }

  async stop(): Promise<void> {
    await end(this.child);
  }
}
