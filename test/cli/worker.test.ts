import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { decodePicture } from '../../engine/pictures/read.ts';
import { noServer, startServer } from '../../processes/bus/testing/server.ts';
import {
  writeCheckpoint,
  writeControlModels,
  writeLora,
  writeReferenceModel,
} from '../support/checkpoints.ts';
import { BUNDLE, inTemporaryFolder, patchwork } from './patchwork.ts';

const CAT = path.join(import.meta.dirname, '../fixtures/scenes/cat.png');

test(
  'a worker of another machine uses the LoRA file, ControlNet and IP-Adapter that it was started with',
  { skip: noServer },
  () =>
    inTemporaryFolder(async (folder) => {
      const model = path.join(folder, 'sd15');
      await writeCheckpoint(model, 'sd15');
      const [own, copy, other] = ['style', 'theirs', 'other'].map((name) =>
        path.join(folder, `${name}.safetensors`),
      ) as [string, string, string];
      await writeLora(own);
      await copyFile(own, copy);
      await writeLora(other, { title: 'another file' });
      const { controlNet, adapter } = await writeControlModels(folder);
      const reference = await writeReferenceModel(folder);
      const [theirNet, theirReference] = ['their-net', 'their-ip.safetensors'].map((name) =>
        path.join(folder, name),
      ) as [string, string];
      await cp(controlNet, theirNet, { recursive: true });
      await copyFile(reference, theirReference);
      const server = await startServer();
      const wrong = await patchwork([
        'worker',
        '--bus',
        server.url,
        '--lora',
        path.join(model, 'model_index.json'),
      ]);
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /model_index\.json/);
      const options = ['--bus', server.url, '--threads', '1', '--model', model];
      const files = ['--lora', copy, '--control-model', theirNet, '--reference-model', theirReference];
      const worker = spawn(process.execPath, [BUNDLE, 'worker', ...options, ...files], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await once(worker.stdout, 'data');
        const out = path.join(folder, 'a.png');
        const small = ['generate', 'a house', '-o', out, '--model', model, '--seed', '1', '--steps', '2'];
        const draw = (...more: string[]) =>
          patchwork([...small, '--size', '64x64', '--threads', '1', ...more]);
        const pixels = async () => (await decodePicture(await readFile(out), out)).pixels;
        const lora = ['--lora', own];
        const steered = ['--control', `canny=${CAT}:0.8:0-0.5`, '--control-model', controlNet];
        const seen = ['--reference', CAT, '--reference-model', reference];
        // A T2I-Adapter's features come from the machine that asks.
        const adapted = ['--control', CAT, '--control-model', adapter];
        const images: Uint8Array[] = [];
        for (const additions of [lora, [...lora, ...steered, ...seen], adapted]) {
          const alone = await draw(...additions);
          assert.equal(alone.code, 0, alone.stderr);
          const expected = await pixels();
          const shared = await draw(...additions, '--bus', server.url);
          assert.equal(shared.code, 0, shared.stderr);
          const difference = (await pixels()).map((value, i) => Math.abs(value - expected[i]!));
          assert.ok(Math.max(...difference) <= 1);
          images.push(expected);
        }
        assert.ok(images.every((image, i) => i === 0 || Buffer.compare(image, images[i - 1]!) !== 0));
        const refused = await draw('--lora', other, '--bus', server.url);
        assert.equal(refused.code, 2);
        assert.match(refused.stderr, /\(\w{4}\) does not have other\.safetensors\. Start one with: .*--lora/);
      } finally {
        worker.kill('SIGINT');
        if (worker.exitCode === null) await once(worker, 'exit');
        await server.stop();
      }
    }),
);

test('a worker refuses a device that is unknown, or not there', async () => {
  const worker = (device: string) => patchwork(['worker', '--bus', 'nats://localhost:1', '--device', device]);
  const unknown = await worker('toaster');
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /Allowed choices are auto, cpu, webgpu, dml, cuda/);
  const absent = process.platform === 'win32' ? 'cuda' : 'dml';
  const refused = await worker(absent);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, new RegExp(`^Networks cannot run on the device ${absent} `));
});

test('a worker says on which device it computes', { skip: noServer }, async () => {
  const server = await startServer();
  const options = ['--bus', server.url, '--threads', '1', '--device', 'cpu', '--json'];
  const worker = spawn(process.execPath, [BUNDLE, 'worker', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [said] = (await once(worker.stdout, 'data')) as [Buffer];
    assert.equal(JSON.parse(String(said)).device, 'cpu');
  } finally {
    worker.kill('SIGINT');
    if (worker.exitCode === null) await once(worker, 'exit');
    await server.stop();
  }
});
