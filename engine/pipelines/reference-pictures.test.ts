import assert from 'node:assert/strict';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import {
  changeNumber,
  writeCheckpoint,
  writeLora,
  writeReferenceModel,
} from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { ReferenceEncoder } from '../execution/reference-tokens.ts';
import { openReferenceModel } from '../models/reference-model.ts';
import { psnr } from '../pictures/psnr.ts';
import { decodePicture } from '../pictures/read.ts';
import { readFloat32 } from '../weights/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/write.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-references-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
after(() => rm(folder, { recursive: true, force: true }));
const model = path.join(folder, 'sd15');
await writeCheckpoint(model, 'sd15');
const referenceModel = await writeReferenceModel(folder);
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

/** A picture of one grey, or a mask of its left half. */
const grey = (value: number) => raster(3, () => value);
const left = raster(1, (x) => (x < 32 ? 255 : 0));
function raster<C extends 1 | 3>(channels: C, at: (x: number) => number) {
  const data = Uint8Array.from({ length: channels * 64 * 64 }, (_, i) => at(Math.floor(i / channels) % 64));
  return { width: 64, height: 64, channels, data };
}

const request = { prompt: 'a house', model, seed: 3, steps: 3, previews: false, referenceModel };

async function drawn(references: object[], more: object = {}): Promise<Uint8Array> {
  const { picture } = await engine.generate({ ...request, references, ...more } as never);
  return (await decodePicture(picture.png, 'The image')).pixels;
}

test('pictures are seen as prompts, with their strengths, alone and together', async () => {
  const plain = await drawn([]);
  const one = await drawn([{ image: grey(40) }]);
  assert.notDeepEqual(one, plain);
  assert.notDeepEqual(await drawn([{ image: grey(220) }]), one);
  assert.deepEqual(await drawn([{ image: grey(40), strength: 0 }]), plain);
  assert.notDeepEqual(await drawn([{ image: grey(40), strength: 0.5 }]), one);
  assert.notDeepEqual(await drawn([{ image: grey(40) }, { image: grey(220) }]), one);
  // The same picture twice is attended to as once.
  const twice = await drawn([{ image: grey(40) }, { image: grey(40) }]);
  assert.ok(psnr(twice, one) > 45, `${psnr(twice, one)} dB`);
});

test('Stable Diffusion XL sees them through its own adapter', async () => {
  const place = path.join(folder, 'sdxl');
  await writeCheckpoint(place, 'sdxl-turbo');
  const own = { model: place, referenceModel: await writeReferenceModel(place, 'plain', 'sdxl-turbo') };
  const plain = await drawn([], own);
  const one = await drawn([{ image: grey(40) }], own);
  assert.notDeepEqual(one, plain);
  assert.notDeepEqual(await drawn([{ image: grey(220) }], own), one);
  assert.deepEqual(await drawn([{ image: grey(40), strength: 0 }], own), plain);
});

test('a reference with a mask changes its own part most', async () => {
  const plain = await drawn([]);
  const masked = await drawn([{ image: grey(40), mask: left }]);
  const change = (from: number, to: number) => {
    let sum = 0;
    for (let i = 0; i < plain.length; i++) {
      const x = Math.floor(i / 3) % 64;
      if (x >= from && x < to) sum += Math.abs(plain[i]! - masked[i]!);
    }
    return sum;
  };
  assert.ok(change(0, 32) > change(32, 64), `${change(0, 32)} on the left, ${change(32, 64)} on the right`);
  assert.notDeepEqual(await drawn([{ image: grey(40) }]), masked);
});

test('an edit sees references too', async () => {
  const { picture } = await engine.generate({ ...request, references: [] } as never);
  const mask = raster(1, (x) => (x >= 16 && x < 40 ? 255 : 0));
  for (const mode of ['sparse', 'dense'] as const) {
    const edited = async (references: object[]) => {
      const asked = { ...request, prompt: 'a boat', image: picture.png, mask, mode, references, raw: true };
      return (await engine.edit(asked as never)).pixels!.data;
    };
    const seen = await edited([{ image: grey(40) }, { image: grey(220), mask: left, strength: 0.7 }]);
    assert.notDeepEqual(seen, await edited([]), mode);
    assert.notDeepEqual(seen, await edited([{ image: grey(40) }, { image: grey(220), strength: 0.7 }]), mode);
  }
});

test('numbers of an image encoder that are not finite name it', async () => {
  const damaged = path.join(folder, 'damaged');
  const file = await writeReferenceModel(damaged);
  const encoder = path.join(damaged, 'image_encoder', 'model.safetensors');
  await changeNumber(encoder, 'vision_model.post_layernorm.bias', Number.NaN);
  await assert.rejects(
    drawn([{ image: grey(40) }], { referenceModel: file }),
    /The image encoder .*not finite/,
  );
});

test('the image encoder may be one file, named or where ComfyUI keeps it', async () => {
  const tool = path.join(folder, 'tool');
  const adapter = path.join(tool, 'ipadapter');
  await writeReferenceModel(adapter);
  const references = [{ image: grey(40) }];
  const expected = await drawn(references);
  const file = path.join(adapter, 'ip-adapter.safetensors');
  const encoder = path.join(adapter, 'image_encoder', 'model.safetensors');
  assert.deepEqual(await drawn(references, { referenceModel: file, referenceEncoder: encoder }), expected);
  await rename(path.join(adapter, 'image_encoder'), path.join(tool, 'clip_vision'));
  assert.deepEqual(await drawn(references, { referenceModel: file }), expected);
  await assert.rejects(
    drawn(references, { referenceModel: file, referenceEncoder: file }),
    /no image encoder of CLIP/,
  );
});

test('an adapter of whole faces projects every state of the image encoder', async () => {
  const file = await writeReferenceModel(path.join(folder, 'full'), 'full');
  const adapter = await openReferenceModel(file);
  const states = Float32Array.from({ length: 5 * 8 }, (_, i) => Math.sin(i));
  const tokens = await new ReferenceEncoder(adapter, new NodeBackend(1)).project([states]);
  assert.deepEqual(tokens.dims, [1, 5, 16]);
  const source = await openSafetensors(file);
  const read = (name: string) => readFloat32(source.find(`image_proj.proj.${name}`)!);
  const linear = async (rows: number[][], name: string) => {
    const [weight, bias] = [await read(`${name}.weight`), await read(`${name}.bias`)];
    return rows.map((row) =>
      [...bias].map((b, o) => row.reduce((sum, x, i) => sum + x * weight[o * row.length + i]!, b)),
    );
  };
  const rows = Array.from({ length: 5 }, (_, n) => [...states.subarray(8 * n, 8 * n + 8)]);
  const hidden = (await linear(rows, '0')).map((row) => row.map((x) => (x / 2) * (1 + erf(x / Math.SQRT2))));
  const [gain, bias] = [await read('3.weight'), await read('3.bias')];
  const expected = (await linear(hidden, '2')).flatMap((row) => {
    const mean = row.reduce((a, b) => a + b) / 16;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 16;
    return row.map((x, i) => ((x - mean) / Math.sqrt(variance + 1e-5)) * gain[i]! + bias[i]!);
  });
  for (const [i, value] of tokens.data.entries()) assert.ok(Math.abs(value - expected[i]!) < 1e-4);
  const [dark, light] = [
    await drawn([{ image: grey(40) }], { referenceModel: file }),
    await drawn([{ image: grey(220) }], { referenceModel: file }),
  ];
  assert.notDeepEqual(dark, light);
});

/** The error function, by its series (Abramowitz and Stegun 7.1.6). */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

test('files that are no IP-Adapter, of another model or without an encoder are refused by name', async () => {
  const references = [{ image: grey(1) }];
  await assert.rejects(drawn(references, { referenceModel: undefined }), /which IP-Adapter/);
  const lora = path.join(folder, 'lora.safetensors');
  await writeLora(lora);
  await assert.rejects(drawn(references, { referenceModel: lora }), /no image projection/);
  const face = path.join(folder, 'ip-adapter-faceid_sd15.safetensors');
  const names = ['image_proj.proj.0.weight', 'image_proj.proj.2.weight', 'image_proj.norm.weight'];
  const bytes = () => [new Uint8Array(16)];
  await writeSafetensors(
    face,
    names.map((name) => ({ name, dtype: 'F32', shape: [2, 2], chunks: bytes })),
  );
  await assert.rejects(drawn(references, { referenceModel: face }), /is an IP-Adapter FaceID, which is not/);
  const xl = path.join(folder, 'xl');
  await writeCheckpoint(xl, 'ssd-1b');
  await assert.rejects(drawn(references, { model: xl }), /made for another family of models/);
  const alone = path.join(folder, 'alone');
  await writeReferenceModel(alone);
  await rm(path.join(alone, 'image_encoder'), { recursive: true });
  const file = path.join(alone, 'ip-adapter.safetensors');
  await rm(path.join(folder, 'image_encoder', 'config.json'));
  await assert.rejects(drawn(references, { referenceModel: file }), /needs its image encoder/);
});
