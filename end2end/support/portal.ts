// One running server of an installation, and what a test asks of it besides the browser.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, run, webRoot, start, until } from './process.js';

export const password = 'correct horse 51213';

export type Device = {
  id: number;
  name: string;
  status: 'connected' | 'disconnected';
  connected: { address: string; port: number; server: string; server_name: string } | null;
};

export class Portal {
  private child?: ChildProcess;
  private token?: string;

  private constructor(
    readonly folder: string,
    readonly name: string,
    readonly http: number,
    readonly gateway: number,
    readonly peers: number,
  ) {}

  static async start(folder: string, name: string, ports: { gateway?: number; peers?: number } = {}): Promise<Portal> {
    const { gateway = await freePort(), peers = await freePort() } = ports;
    const portal = new Portal(folder, name, await freePort(), gateway, peers);
    await portal.launch();
    return portal;
  }

  /** Starts a server that joins `first`; `confirm` lets the one with this fingerprint in. */
  static async join(folder: string, name: string, first: Portal, confirm: (fingerprint: string) => Promise<void>): Promise<Portal> {
    const portal = new Portal(folder, name, await freePort(), await freePort(), await freePort());
    portal.begin('--join', await first.console('join-string'));
    try {
      await until(`${name} asks to join`, async () => (await first.console('newcomers')) !== '');
      const [, fingerprint] = /^fingerprint: (.+)$/m.exec(readFileSync(portal.log, 'utf8')) ?? [];
      if (!fingerprint) throw new Error(`${name} shows no fingerprint`);
      await confirm(fingerprint);
      await portal.ready();
    } catch (error) {
      await portal.stop();
      throw error;
    }
    return portal;
  }

  get url(): string {
    return `http://127.0.0.1:${this.http}`;
  }

  get log(): string {
    return join(this.folder, '..', `${this.name.replace(/\W+/g, '-')}.log`);
  }

  /** Starts it, or starts it again on the same ports and the same data. */
  async launch(): Promise<void> {
    this.begin();
    await this.ready();
  }

  private begin(...more: string[]): void {
    const args = ['run', '--data', this.folder, '--name', this.name, '--web-root', webRoot];
    args.push('--http', `127.0.0.1:${this.http}`, '--gateway', `127.0.0.1:${this.gateway}`);
    args.push('--peers', `127.0.0.1:${this.peers}`, '--metrics', '127.0.0.1:0', '--stability-seconds', '2', '--promotion-hold', process.env.PROMOTION_HOLD ?? '3', ...more);
    this.child = start('portal', args, this.log, { PORTAL_ADMIN_PASSWORD: password });
  }

  private async ready(): Promise<void> {
    await until(`${this.name} is ready`, async () => (await fetch(`${this.url}/health/ready`)).ok);
  }

  async stop(): Promise<void> {
    await end(this.child);
  }

  /** As if the machine lost power. */
  async kill(): Promise<void> {
    await end(this.child, 'SIGKILL');
  }

  /** A verb of the command line, on this server's data. */
  async console(verb: string, ...args: string[]): Promise<string> {
    return run('portal', [verb, '--data', this.folder, ...args]);
  }

  /** A request to the REST API as the administrator. */
  async api(path: string, init: RequestInit = {}): Promise<Response> {
    this.token ??= await this.signIn();
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${this.token}`);
    if (init.body) headers.set('content-type', 'application/json');
    return fetch(`${this.url}/api/v1${path}`, { ...init, headers });
  }

  async device(id: number): Promise<Device> {
    const answer = await this.api(`/devices/${id}`);
    if (!answer.ok) throw new Error(`device ${id}: ${answer.status}`);
    const device = await answer.json();
    return { ...device, connected: device.servers.connected };
  }

  async isConnected(id: number): Promise<boolean> {
    return (await this.device(id)).status === 'connected';
  }

  private async signIn(): Promise<string> {
    const answer = await fetch(`${this.url}/api/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ login: 'admin', password }),
    });
    if (!answer.ok) throw new Error(`sign-in: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).access_token;
  }
}
