// Real programs, started and ended by the tests that need them.
import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/** Path of a program that `cargo build` made. */
export function program(name: 'portal' | 'bln'): string {
  return join(target, 'debug', name);
}

/** Where the browser's half was put. */
export const webRoot = process.env.PORTAL_WEB_ROOT ?? join(target, 'web');

/** A TCP port of 127.0.0.1 that nobody uses now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Starts a program whose output goes to a log file. */
export function start(name: 'portal' | 'bln', args: string[], log: string, env: Record<string, string> = {}): ChildProcess {
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, 'a');
  return spawn(program(name), args, { stdio: ['ignore', out, out], env: { ...process.env, ...env } });
}

/** Runs a program to its end and gives what it printed. */
export async function run(name: 'portal' | 'bln', args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program(name), args, { timeout: 60_000 });
  return stdout.trim();
}

/** Ends a process and waits until it is gone. */
export async function end(child: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}

/** Asks until the answer is yes. */
export async function until(what: string, ask: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    if (await ask().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${limitMs} ms: ${what}`);
}
