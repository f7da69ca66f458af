import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openEmbedding } from './embeddings.ts';
import { openTensors } from './tensor-file.ts';
import { safetensorsBytes, temporaryFolder } from './testing.ts';

const folder = await temporaryFolder();
const file = path.join(folder, 'model.safetensors');

test('what was downloaded or chosen in a model\u2019s place is named', async () => {
  const tar = new Uint8Array(1024);
  tar.set(new TextEncoder().encode('ustar'), 257);
  for (const [content, sentence] of [
    ['<!DOCTYPE html><html>Sign in</html>', /is a web page, .* signed in\./],
    ['\n <html>', /is a web page/],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', /is a pointer of Git LFS/],
    ['{"metadata": {}, "weight_map": {}}', /is a JSON file: name the weights/],
    [gzipSync('x'), /is a compressed archive: unpack it/],
    [tar, /is an archive \(tar\)/],
    [
      Buffer.concat([Buffer.from('sys_info\0'), tar.subarray(9)]),
      /is a file of PyTorch before version 0\.1\.10/,
    ],
    [Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73]), /is an image\./],
  ] as const) {
    await writeFile(file, content);
    await assert.rejects(openTensors(file), (error: Error) => {
      assert.equal(error.name, 'InputError');
      assert.match(error.message, sentence);
      return error.message.includes(file);
    });
  }
});

test('a header of any length is one, whatever its length looks like', async () => {
  // 0x8b1f as gzip begins, 0x5a4d, 0x6842, 0x7b7b.
  for (const length of [0x8b1f, 0x5a4d, 0x6842, 0x7b7b]) {
    const header = JSON.stringify({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    await writeFile(file, safetensorsBytes(header.padEnd(length), new Uint8Array(4)));
    assert.deepEqual([...(await openTensors(file)).names()], ['a']);
  }
});

test('a LoRA file is no file of trained words', async () => {
  const tensor = (at: number) => ({ dtype: 'F32', shape: [1, 2], data_offsets: [at, at + 8] });
  const header = JSON.stringify({
    'lora_unet_x.lora_up.weight': tensor(0),
    'lora_unet_x.lora_down.weight': tensor(8),
  });
  await writeFile(file, safetensorsBytes(header, new Uint8Array(16)));
  await assert.rejects(
    openEmbedding(file),
    /lora_up\.weight.* is no trained word; is it a textual inversion\?/,
  );
});
