import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { changeNumber, writeCheckpoint, writeControlModels } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { decodePicture } from '../pictures/read.ts';
import { readFloat32 } from '../weights/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/write.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-control-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
after(() => rm(folder, { recursive: true, force: true }));
const model = path.join(folder, 'sd15');
await writeCheckpoint(model, 'sd15');
const { controlNet, adapter } = await writeControlModels(folder);
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

/** A grey square on black, with its upper left corner somewhere. */
function square(at: number) {
  const data = new Uint8Array(3 * 64 * 64);
  for (let y = 0; y < 24; y++) data.fill(200, 3 * ((at + y) * 64 + at), 3 * ((at + y) * 64 + at + 24));
  return { width: 64, height: 64, channels: 3 as const, data };
}

const request = { prompt: 'a house', model, seed: 3, steps: 4, previews: false };

async function drawn(controls: object[], more: object = {}): Promise<Uint8Array> {
  const { picture } = await engine.generate({ ...request, ...more, controls } as never);
  return (await decodePicture(picture.png, 'The image')).pixels;
}

test('an image steers the result, with its strength and in its share of the steps', async () => {
  const plain = await drawn([]);
  for (const steering of [controlNet, adapter]) {
    const one = await drawn([{ image: square(8), model: steering }]);
    assert.notDeepEqual(one, plain);
    assert.notDeepEqual(await drawn([{ image: square(32), model: steering }]), one);
    assert.deepEqual(await drawn([{ image: square(8), model: steering, strength: 0 }]), plain);
    const part = await drawn([{ image: square(8), model: steering, end: 0.5 }]);
    assert.notDeepEqual(part, one);
    assert.notDeepEqual(part, plain);
  }
  const both = [
    { image: square(8), model: controlNet },
    { image: square(32), model: adapter },
  ];
  assert.notDeepEqual(await drawn(both), await drawn([both[0]!]));
  assert.notDeepEqual(await drawn([{ ...both[0]!, guess: true }]), await drawn([both[0]!]));
  assert.notDeepEqual(await drawn([{ ...both[0]!, hint: 'canny' }]), await drawn([both[0]!]));
});

for (const family of ['sd-turbo', 'sdxl-turbo'] as const)
  test(`${family}: its ControlNet and its T2I-Adapter steer an image and an edit`, async () => {
    const place = path.join(folder, family);
    await writeCheckpoint(place, family);
    const own = await writeControlModels(place, family);
    const asked = { model: place, precision: 'fp32', guidance: 2, steps: 2 };
    const { picture } = await engine.generate({ ...request, ...asked } as never);
    const plain = (await decodePicture(picture.png, 'The image')).pixels;
    const controls = [own.controlNet, own.adapter].map((steering) => ({ image: square(8), model: steering }));
    const images = [plain, await drawn(controls.slice(0, 1), asked), await drawn(controls.slice(1), asked)];
    assert.equal(new Set(images.map((pixels) => Buffer.from(pixels).toString('hex'))).size, 3);
    const none = controls.map((control) => ({ ...control, strength: 0 }));
    assert.deepEqual(await drawn(none, asked), plain);
    const mask = { width: 64, height: 64, channels: 1 as const, data: new Uint8Array(64 * 64) };
    mask.data.fill(255, 64 * 16, 64 * 40);
    const edited = async (given: object[]) => {
      const edit = { ...request, ...asked, image: picture.png, mask, mode: 'sparse', raw: true };
      return (await engine.edit({ ...edit, controls: given } as never)).pixels!.data;
    };
    assert.notDeepEqual(await edited(controls), await edited(none));
  });

test('an adapter in one file, by the names of its own code or by diffusers’, steers as its folder does', async () => {
  const source = await openSafetensors(path.join(adapter, 'diffusion_pytorch_model.safetensors'));
  const expected = await drawn([{ image: square(8), model: adapter }]);
  const own = (name: string) =>
    name.replace(/^adapter\./, '').replace(/^body\.(\d+)\.resnets\.0\./, 'body.$1.');
  for (const [name, rename] of [
    ['own', own],
    ['prefixed', (key: string) => `adapter.${own(key)}`],
    ['diffusers', (key: string) => key],
  ] as const) {
    const file = path.join(folder, `${name}.safetensors`);
    const tensors = [...source.names()].map((key) => {
      const tensor = source.find(key)!;
      const bytes = async function* () {
        yield new Uint8Array((await readFloat32(tensor)).buffer);
      };
      return { name: rename(key), dtype: 'F32' as const, shape: tensor.shape, chunks: bytes };
    });
    await writeSafetensors(file, tensors);
    assert.deepEqual(await drawn([{ image: square(8), model: file }]), expected, name);
  }
});

test('an edit is steered too, and keeps what is outside its mask', async () => {
  const { picture } = await engine.generate(request);
  const mask = { width: 64, height: 64, channels: 1 as const, data: new Uint8Array(64 * 64) };
  for (let y = 16; y < 48; y++) mask.data.fill(255, y * 64 + 16, y * 64 + 48);
  const before = (await decodePicture(picture.png, 'The image')).pixels;
  for (const mode of ['sparse', 'dense'] as const) {
    const edited = async (controls: object[]) => {
      const asked = { ...request, prompt: 'a boat', image: picture.png, mask, mode, controls, raw: true };
      return (await engine.edit(asked as never)).pixels!.data;
    };
    const controls = [
      { image: square(20), model: controlNet },
      { image: square(20), model: adapter, strength: 0.5 },
    ];
    const steered = await edited(controls);
    assert.notDeepEqual(steered, await edited([]), mode);
    assert.deepEqual(await edited(controls), steered, mode);
    for (const at of [0, 3 * (8 * 64 + 8), before.length - 1]) assert.equal(steered[at], before[at]);
  }
});

test('a model of another family, another kind of folder and no image are refused by name', async () => {
  const other = path.join(folder, 'xl');
  await writeCheckpoint(other, 'ssd-1b');
  const control = { image: square(8), model: controlNet };
  await assert.rejects(
    drawn([control], { model: other }),
    /made for another family of models: it has 4 levels/,
  );
  await assert.rejects(
    drawn([{ ...control, model: adapter }], { model: other }),
    /T2I-Adapter is made for another/,
  );
  await assert.rejects(
    drawn([{ ...control, model: path.join(model, 'vae') }]),
    /AutoencoderKL.* cannot steer/,
  );
  await assert.rejects(drawn([{ ...control, model: 'nothing' }]), /no ControlNet or T2I-Adapter nothing/);
  await assert.rejects(drawn([{ ...control, start: 0.6, end: 0.5 }]), /end after it starts/);
});

test('numbers of a control model that are not finite name it', async () => {
  for (const [steering, tensor, part] of [
    [controlNet, 'controlnet_cond_embedding.conv_in.bias', /The ControlNet .*damaged/],
    [controlNet, 'time_embedding.linear_1.bias', /The denoiser, in step 1.*ControlNet.*damaged/],
    [adapter, 'adapter.conv_in.bias', /The T2I-Adapter .*damaged/],
  ] as const) {
    const damaged = `${steering}-damaged`;
    await cp(steering, damaged, { recursive: true });
    await changeNumber(path.join(damaged, 'diffusion_pytorch_model.safetensors'), tensor, Number.NaN);
    await assert.rejects(drawn([{ image: square(8), model: damaged }]), part);
    await rm(damaged, { recursive: true });
  }
});
