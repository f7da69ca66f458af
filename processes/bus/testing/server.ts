import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { skipWithout } from '../../../test/support/needs.ts';

/** Why tests of the bus are skipped, or false if they run. */
export const noServer = skipWithout('nats-server');

export interface TestServer {
  url: string;
  process: ChildProcess;
  stop(): Promise<void>;
}

/** A nats-server of this test's own, which listens on this machine only. */
export async function startServer(...flags: string[]): Promise<TestServer> {
  const port = await freePort();
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await serverReady(child);
  return {
    url: `nats://127.0.0.1:${port}`,
    process: child,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}

/** Resolves when a nats-server that was started takes connections. */
export async function serverReady(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let log = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      log += chunk;
      if (log.includes('Server is ready')) resolve();
    });
    child.once('exit', () => reject(new Error(`nats-server ended: ${log}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
