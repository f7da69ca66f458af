import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { candidates } from '../../engine/backends/node/devices/candidates.ts';
import { SOFTWARE_GPU, skipWithoutGpu } from '../../engine/backends/node/devices/testing.ts';
import { KnownDevices } from '../../processes/devices/known.ts';
import { placeOf, Turn } from '../../processes/devices/turn.ts';
import type { BenchmarkReport } from '../../shared/api.ts';
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
    // Devices that cannot be used say why.
    for (const { available, reason } of devices) assert.ok(available || reason);
    assert.match(first.stderr, /^Trying /);
    const again = await patchwork(['devices'], { env });
    assert.equal(again.stderr, '');
    assert.match(again.stdout, /^cpu +processor +a step .*; others are checked against it/);
    for (const line of again.stdout.split('\n')) assert.ok(line.split('graphics card').length <= 2, line);
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

test(
  'a GPU made of software: its wrong attention is noticed, and it is used only by name',
  {
    skip: skipWithoutGpu(),
  },
  () =>
    inTemporaryFolder(async (folder) => {
      const env = { ...SOFTWARE_GPU, PATCHWORK_CACHE: path.join(folder, 'cache') };
      const { stdout, stderr } = await patchwork(['devices', '--json'], { env });
      const { devices } = JSON.parse(stdout) as { devices: DeviceInfo[] };
      const { stepSeconds, steps, convolutions, ...gpu } = devices.find(({ id }) => id === 'webgpu')!;
      assert.deepEqual(
        gpu,
        {
          id: 'webgpu',
          name: 'SwiftShader on the processor',
          provider: 'WebGPU',
          available: true,
          checked: true,
          software: true,
          reason: 'computed another way, because wrong: MultiHeadAttention',
        },
        stderr,
      );
      assert.ok(stepSeconds! > devices[0]!.stepSeconds!);
      // It has no float16.
      assert.deepEqual(Object.keys(steps!), ['fp32', 'int8']);
      for (const { rows, rectangle, form } of convolutions!)
        assert.equal(form, rectangle < rows / 2 ? 'rectangle' : 'rows');
      const listed = await patchwork(['devices'], { env });
      assert.match(
        listed.stdout,
        /; checked against the processor; a test step in fp32 [\d.]+ m?s, int8 [\d.]+ m?s; convolutions of edits: 320 channels as \w+ \([\d.]+×\), 640 channels as /,
      );
      const args = ['generate', 'a house', '--steps', '1', '--size', '64x64', '--json'];
      const drawn = await patchwork(args, { cwd: folder, env });
      assert.equal(JSON.parse(drawn.stdout).device, 'cpu');
    }),
);

test('results name the device', () =>
  inTemporaryFolder(async (folder) => {
    const args = ['generate', 'a house', '--steps', '1', '--size', '64x64', '--device', 'cpu', '--json'];
    const { stdout } = await patchwork(args, { cwd: folder });
    assert.equal(JSON.parse(stdout).device, 'cpu');
  }));

test('bench runs on several devices, one after the other, or says which cannot be used', async () => {
  const args = ['bench', 'dense', '--size', '64x64', '--repeat', '1', '--json', '--devices'];
  const { stdout, stderr } = await patchwork([...args, 'cpu']);
  const { rows } = JSON.parse(stdout) as BenchmarkReport;
  assert.deepEqual(
    rows.map(({ case: name, device }) => [name, device]),
    [['dense', 'cpu']],
    stderr,
  );
  const absent = process.platform === 'win32' ? 'cuda' : 'dml';
  const refused = await patchwork([...args, `cpu,${absent}`]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, new RegExp(`Networks cannot run on the device ${absent}`));
});

test('verify waits for its turn on a GPU, and not on the processor', async (context) => {
  const device = (await candidates()).find(({ id }) => id === 'webgpu')!;
  if (device.missing) return context.skip(device.missing);
  await inTemporaryFolder(async (folder) => {
    const env = { PATCHWORK_CACHE: path.join(folder, 'cache') };
    const { PATCHWORK_CACHE: before } = process.env;
    Object.assign(process.env, env);
    try {
      // It is known already, because a trial takes a turn too, and has a GPU to try.
      await new KnownDevices().set(device.identity, { wrong: [], stepSeconds: 1 });
      // What is damaged is noticed where the comparison begins.
      const model = path.join(folder, 'model');
      await mkdir(model);
      await writeFile(path.join(model, 'expected.safetensors'), '');
      const verify = (id: string, onStderr?: (text: string) => void) =>
        patchwork(['verify', model, '--device', id], { env, ...(onStderr && { onStderr }) });
      let ended = false;
      let verified: ReturnType<typeof verify> | undefined;
      await new Turn(undefined).during(placeOf(device), undefined, async () => {
        const onProcessor = await verify('cpu');
        assert.equal(onProcessor.code, 2, onProcessor.stderr);
        assert.doesNotMatch(onProcessor.stderr, /waits/);
        await new Promise<void>((waits) => {
          verified = verify('webgpu', (text) => /this one waits/.test(text) && waits());
          verified.then(() => {
            ended = true;
            waits();
          });
        });
        assert.ok(!ended, 'it does not begin');
      });
      const { code, stderr } = await verified!;
      assert.equal(code, 2, stderr);
      assert.match(stderr, /waits\.\n.*expected\.safetensors/s);
    } finally {
      if (before === undefined) delete process.env.PATCHWORK_CACHE;
      else process.env.PATCHWORK_CACHE = before;
    }
  });
});
