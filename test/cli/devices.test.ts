import assert from 'node:assert/strict';
import test from 'node:test';
import type { DeviceInfo } from '../../shared/devices.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

test('devices are listed with what was found out about them, and remembered', () =>
  inTemporaryFolder(async (cache) => {
    const env = { PATCHWORK_CACHE: cache };
    const first = await patchwork(['devices', '--json'], { env });
    assert.equal(first.code, 0, first.stderr);
    const { devices } = JSON.parse(first.stdout) as { devices: DeviceInfo[] };
    assert.deepEqual(
      devices.map(({ id }) => id),
      ['cpu', 'webgpu', 'dml', 'cuda'],
    );
    const [processor] = devices;
    assert.equal(processor!.available && processor!.checked && !processor!.software, true);
    assert.ok(processor!.stepSeconds! > 0);
    // What cannot be used says why.
    for (const { available, reason } of devices) assert.ok(available || reason);
    assert.match(first.stderr, /^Trying /);
    const again = await patchwork(['devices'], { env });
    assert.equal(again.stderr, '');
    assert.match(again.stdout, /^cpu +processor +a step /);
  }));

test('a device that is not there is refused in a sentence', async () => {
  const absent = process.platform === 'win32' ? 'cuda' : 'dml';
  const { code, stderr } = await patchwork(['generate', 'a house', '--device', absent]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    new RegExp(`^Networks cannot run on the device ${absent} .*: .*\\. Choose auto or cpu; .*\\.\n$`),
  );
  const unknown = await patchwork(['generate', 'a house', '--device', 'toaster']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /Allowed choices are auto, cpu, webgpu, dml, cuda/);
});

test('results name the device', () =>
  inTemporaryFolder(async (folder) => {
    const args = ['generate', 'a house', '--steps', '1', '--size', '64x64', '--device', 'cpu', '--json'];
    const { stdout } = await patchwork(args, { cwd: folder });
    assert.equal(JSON.parse(stdout).device, 'cpu');
  }));
