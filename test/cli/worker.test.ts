import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { decodePicture } from '../../engine/pictures/read.ts';
import { noServer, startServer } from '../../processes/bus/testing/server.ts';
import { writeCheckpoint, writeLora } from '../support/checkpoints.ts';
import { BUNDLE, inTemporaryFolder, patchwork } from './patchwork.ts';

test('a worker of another machine uses the LoRA file that it was started with', { skip: noServer }, () =>
  inTemporaryFolder(async (folder) => {
    const model = path.join(folder, 'sd15');
    await writeCheckpoint(model, 'sd15');
    const [own, copy, other] = ['style', 'theirs', 'other'].map((name) =>
      path.join(folder, `${name}.safetensors`),
    ) as [string, string, string];
    await writeLora(own);
    await copyFile(own, copy);
    await writeLora(other, { title: 'another file' });
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
    const worker = spawn(process.execPath, [BUNDLE, 'worker', ...options, '--lora', copy], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(worker.stdout, 'data');
      const out = path.join(folder, 'a.png');
      const small = ['generate', 'a house', '-o', out, '--model', model, '--seed', '1', '--steps', '2'];
      const draw = (...more: string[]) => patchwork([...small, '--size', '64x64', '--threads', '1', ...more]);
      const pixels = async () => (await decodePicture(await readFile(out), out)).pixels;
      const alone = await draw('--lora', own);
      assert.equal(alone.code, 0, alone.stderr);
      const expected = await pixels();
      const shared = await draw('--lora', own, '--bus', server.url);
      assert.equal(shared.code, 0, shared.stderr);
      const difference = (await pixels()).map((value, i) => Math.abs(value - expected[i]!));
      assert.ok(Math.max(...difference) <= 1);
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
