import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';
import { psnr } from '../../engine/pictures/psnr.ts';
import { readPicture } from '../../engine/pictures/read.ts';
import { noServer, serverReady } from '../../processes/bus/testing/server.ts';
import { BUNDLE, inTemporaryFolder } from './patchwork.ts';

const tag = `pw${process.pid % 10_000}`;
/** The first host has the server and draws; the others help. */
const HOSTS = [0, 1, 2].map((i) => ({ name: `${tag}h${i}`, address: `10.213.77.${i + 1}` }));

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args);
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

/** Three hosts on one switch, as network namespaces of this machine. */
function raiseHosts(): void {
  for (const { name } of HOSTS) ip('netns', 'add', name);
  const [first, ...others] = HOSTS as [(typeof HOSTS)[0], ...typeof HOSTS];
  ip('-n', first.name, 'link', 'add', 'switch', 'type', 'bridge');
  ip('-n', first.name, 'addr', 'add', `${first.address}/24`, 'dev', 'switch');
  for (const { name, address } of others) {
    const cable = `to-${name}`;
    ip('-n', first.name, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', first.name, 'link', 'set', cable, 'master', 'switch', 'up');
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }
  for (const device of ['lo', 'switch']) ip('-n', first.name, 'link', 'set', device, 'up');
}

function removeHosts(): void {
  for (const { name } of HOSTS) spawnSync('ip', ['netns', 'delete', name]);
}

const on = ({ name }: { name: string }, ...command: string[]): ChildProcess =>
  spawn('ip', ['netns', 'exec', name, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });

/** Why hosts cannot be made here, or false. */
function noHosts(): string | false {
  if (noServer) return noServer;
  try {
    raiseHosts();
    return false;
  } catch {
    return 'this machine makes no network namespaces: that needs root and iproute2';
  } finally {
    removeHosts();
  }
}

test('three hosts draw one picture over their network', { skip: noHosts() }, () =>
  inTemporaryFolder(async (folder) => {
    raiseHosts();
    const [first, ...helpers] = HOSTS as [(typeof HOSTS)[0], ...typeof HOSTS];
    const started: ChildProcess[] = [];
    try {
      const server = on(first, 'nats-server', '-a', first.address, '-p', '4222');
      started.push(server);
      await serverReady(server);
      const bus = ['--bus', `nats://${first.address}:4222`];
      for (const host of helpers) {
        const worker = on(host, process.execPath, BUNDLE, 'worker', ...bus, '--threads', '1');
        started.push(worker);
        await once(worker.stdout!, 'data');
      }
      const draw = async (name: string, ...more: string[]) => {
        const file = path.join(folder, name);
        const args = ['generate', 'a red house by a lake', '-o', file, '--seed', '3', '--steps', '6'];
        const size = ['--size', '256x256', '--threads', '1', '--json'];
        const child = on(first, process.execPath, BUNDLE, ...args, ...size, ...more);
        let [out, errors] = ['', ''];
        child.stdout!.on('data', (chunk) => {
          out += chunk;
        });
        child.stderr!.on('data', (chunk) => {
          errors += chunk;
        });
        const [code] = await once(child, 'close');
        assert.equal(code, 0, errors);
        return { result: JSON.parse(out), picture: await readPicture(file) };
      };
      const alone = await draw('alone.png');
      const together = await draw('together.png', ...bus, '--split', 'bands');
      const { workers } = together.result;
      assert.equal(workers.length, 2);
      assert.ok(workers.every(({ receivedBytes }: { receivedBytes: number }) => receivedBytes > 0));
      assert.ok(psnr(together.picture.pixels, alone.picture.pixels) > 18);
    } finally {
      for (const child of started) child.kill('SIGTERM');
      removeHosts();
    }
  }),
);
