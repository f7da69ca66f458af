import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import os from 'node:os';
import { test } from 'node:test';
import { coreCount, coreQuota, memoryBytes } from './limits.ts';

const quotaOf = (files: Record<string, string>) => coreQuota((file) => files[file]);

test('the quota of a control group counts, the smallest on the way to the root', () => {
  const group = { '/proc/self/cgroup': '0::/a/b\n' };
  assert.equal(quotaOf({ ...group, '/sys/fs/cgroup/a/b/cpu.max': '150000 100000\n' }), 1.5);
  const both = {
    '/sys/fs/cgroup/a/b/cpu.max': '400000 100000\n',
    '/sys/fs/cgroup/cpu.max': '200000 100000\n',
  };
  assert.equal(quotaOf({ ...group, ...both }), 2);
  assert.equal(quotaOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '50000 100000\n' }), 0.5);
  const first = { '/proc/self/cgroup': '3:cpu,cpuacct:/docker/x\n1:name=systemd:/\n' };
  const at = '/sys/fs/cgroup/cpu,cpuacct/docker/x';
  assert.equal(
    quotaOf({ ...first, [`${at}/cpu.cfs_quota_us`]: '300000\n', [`${at}/cpu.cfs_period_us`]: '100000\n' }),
    3,
  );
});

test('no quota, none that makes sense, or no control groups: nothing is limited', () => {
  assert.equal(quotaOf({}), undefined);
  for (const text of ['max 100000', '0 100000', '-1 100000', '100000', '100000 0', 'x y', ''])
    assert.equal(quotaOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': text }), undefined, text);
  assert.equal(quotaOf({ '/proc/self/cgroup': 'rubbish\n0::a\n' }), undefined);
  assert.ok(coreCount() >= 1 && coreCount() <= os.cpus().length);
  assert.ok(memoryBytes() > 0 && memoryBytes() <= os.totalmem());
});

const hasTaskset = spawnSync('taskset', ['--version']).status === 0;

test('a process that is bound to one core computes with one thread, without a word', {
  skip: !hasTaskset && 'needs taskset',
}, () => {
  const code = `
    const { NodeBackend } = await import('./engine/backends/node/backend.ts');
    const { DiffusionModel } = await import('./engine/models/diffusion-model.ts');
    const { Components } = await import('./engine/execution/components.ts');
    const { EMBEDDED, embeddedModel } = await import('./engine/models/embedded.ts');
    const backend = new NodeBackend();
    const components = new Components(await DiffusionModel.open(embeddedModel(EMBEDDED)), backend, backend.threads);
    await components.program('vae-decoder');
    console.log(backend.threads);`;
  const [core] = execFileSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' }).match(
    /\d+(?=\D*$)/,
  )!;
  const args = ['-c', core, process.execPath, '--import', 'tsx', '--input-type=module', '-e', code];
  const { stdout, stderr } = spawnSync('taskset', args, { encoding: 'utf8' });
  assert.equal(stdout, '1\n');
  assert.doesNotMatch(stderr, /affinity/i);
});
