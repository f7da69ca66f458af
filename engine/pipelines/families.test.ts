import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import type { GenerateRequest } from '../../shared/api.ts';
import { type Family, writeCheckpoint, writeLora } from '../../test/support/checkpoints.ts';
import { kernelsOf } from '../backends/devices/kernels.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { Components } from '../execution/components.ts';
import { predictMemory } from '../execution/memory-plan.ts';
import { largestValueBytes } from '../graph/peak-bytes.ts';
import { float32, floats, int64 } from '../graph/tensor.ts';
import { DiffusionModel } from '../models/diffusion-model.ts';
import { textInputs } from '../networks/clip-text.ts';
import { encodeMask } from '../pictures/mask.ts';
import { psnr } from '../pictures/psnr.ts';
import { decodePicture } from '../pictures/read.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { readFloat32 } from '../weights/read.ts';
import { conditionFor } from './ready-model.ts';
import { TextEncoder } from './text-encoder.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-families-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
const backend = new NodeBackend(1);
after(() => rm(folder, { recursive: true, force: true }));

/** Not the files, whose recipes differ. */
async function pixelsOf({ picture: { png } }: { picture: { png: Uint8Array } }): Promise<string> {
  return String((await decodePicture(png, 'an image')).pixels);
}

async function checkpoint(family: Family): Promise<string> {
  const model = path.join(folder, family);
  await writeCheckpoint(model, family);
  return model;
}

/** A mask with a white square of 24 pixels in the middle of the upper left quarter. */
const maskOf = (side: number) =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#000' } })
    .composite([
      {
        input: { create: { width: 24, height: 24, channels: 3, background: '#fff' } },
        left: 16,
        top: 16,
      },
    ])
    .png()
    .toBuffer();

for (const [family, guidance, steps] of [
  ['sana', 4.5, 3],
  ['sana-sprint', 4.5, 2],
  ['nitro-e', 1, 4],
  ['flux2-klein', 1, 4],
  ['sd15', 7.5, 3],
  ['sd15-inpaint', 7.5, 3],
  ['bk-sdm-tiny', 7.5, 3],
  ['lcm', 8, 4],
  ['sd-turbo', 0, 1],
  ['sdxl-turbo', 0, 2],
  ['ssd-1b', 9, 2],
] as const)
  test(`${family}: a picture, and an edit of it`, async () => {
    const engine = createEngine(backend);
    try {
      const side =
        { sana: 128, 'sana-sprint': 128, 'nitro-e': 256, 'flux2-klein': 128 }[family as string] ?? 64;
      const request = {
        prompt: 'a (red:1.3) house',
        model: await checkpoint(family),
        seed: 3,
        steps,
        guidance,
        ...(family === 'flux2-klein' && { width: side, height: side }),
      };
      const made = await engine.generate(request);
      const { picture, macs } = made;
      assert.deepEqual([picture.width, picture.height], [side, side]);
      const other = await engine.generate({ ...request, prompt: 'a lake at night' });
      assert.notEqual(await pixelsOf(other), await pixelsOf(made));
      assert.ok(macs > 1e6);
      const edited = await engine.edit({ ...request, image: picture.png, mask: await maskOf(side) });
      assert.ok(edited.activeFraction[0]! < 1);
      assert.notEqual(await pixelsOf(edited), await pixelsOf(made));
    } finally {
      await engine.dispose();
    }
  });

for (const [family, steps] of [
  ['sana-sprint', 2],
  ['nitro-e', 4],
  ['flux2-klein', 4],
] as const)
  test(`${family}: quantized, it draws nearly the same picture; a prompt is encoded once`, async () => {
    const engine = createEngine(backend);
    try {
      const size = family === 'nitro-e' ? {} : { width: 128, height: 128 };
      const request = { prompt: 'a house', model: await checkpoint(family), seed: 3, steps, ...size };
      const first = await engine.generate(request);
      const again = await engine.generate(request);
      assert.deepEqual(again.picture.png, first.picture.png);
      assert.ok(again.macs < first.macs, 'the prompt was not encoded again');
      const exact = await decodePicture(first.picture.png, 'exact');
      for (const precision of ['int8', 'int4'] as const) {
        const { picture } = await engine.generate({ ...request, precision });
        const rounded = await decodePicture(picture.png, precision);
        assert.notDeepEqual(rounded.pixels, exact.pixels);
        assert.ok(
          psnr(rounded.pixels, exact.pixels) > 25,
          `${precision}: ${psnr(rounded.pixels, exact.pixels)} dB`,
        );
      }
    } finally {
      await engine.dispose();
    }
  });

for (const [family, guidance] of [
  ['sana', 4.5],
  ['nitro-e', 1],
  ['flux2-klein', 1],
] as const)
  test(`${family}: words of the prompt change after a share of the steps`, async () => {
    const engine = createEngine(backend);
    try {
      const size = family === 'nitro-e' ? {} : { width: 128, height: 128 };
      const request = { model: await checkpoint(family), seed: 3, steps: 4, guidance, ...size };
      const drawn = new Set<string>();
      for (const prompt of ['a red house', 'a blue house', 'a [red:blue:0.5] house'])
        drawn.add(await pixelsOf(await engine.generate({ ...request, prompt })));
      assert.equal(drawn.size, 3);
    } finally {
      await engine.dispose();
    }
  });

test('flux2-klein: reference images are read beside the text, in edits too', async () => {
  const engine = createEngine(backend);
  try {
    const model = await checkpoint('flux2-klein');
    const image = (background: string, width = 100, height = 70) =>
      sharp({ create: { width, height, channels: 3, background } })
        .png()
        .toBuffer();
    const request = { prompt: 'make it night', model, seed: 3, steps: 2, guidance: 1 };
    const size = { width: 96, height: 64 };
    const draw = (...images: Buffer[]) =>
      engine.generate({ ...request, references: images.map((one) => ({ image: one })) });
    const [blue, red] = [await image('#00f'), await image('#f00')];
    const plain = await engine.generate({ ...request, ...size });
    const seeing = await engine.generate({ ...request, references: [{ image: blue }] });
    const { picture } = seeing;
    assert.deepEqual([picture.width, picture.height], [96, 64], 'the size of the reference');
    const again = await engine.generate({ ...request, ...size });
    assert.ok(seeing.macs > again.macs);
    const drawn = await Promise.all([plain, seeing, await draw(red), await draw(blue, red)].map(pixelsOf));
    assert.equal(new Set(drawn).size, 4, 'each reference counts');
    assert.deepEqual((await draw(blue)).picture.png, picture.png);
    const asked = { ...request, image: picture.png, mask: await maskOf(64) };
    const without = await engine.edit(asked);
    const edited = await engine.edit({ ...asked, references: [{ image: blue }] });
    assert.ok(edited.activeFraction[0]! < 1);
    assert.notEqual(await pixelsOf(edited), await pixelsOf(without));
    const refused: [Partial<GenerateRequest>, RegExp][] = [
      [{ references: [{ image: blue, strength: 0.5 }] }, /reads whole reference images/],
      [{ references: [{ image: blue }], referenceModel: 'ip.safetensors' }, /leave out the IP-Adapter/],
    ];
    for (const [wrong, message] of refused)
      await assert.rejects(engine.generate({ ...request, ...wrong }), message);
  } finally {
    await engine.dispose();
  }
});

test('short of memory: networks one after another draw the same picture; too little is refused', async () => {
  const request = { prompt: 'a house', model: await checkpoint('sd15'), seed: 3, steps: 2 };
  const model = await DiffusionModel.open(request.model);
  const picture = { width: 64, height: 64, batch: 2, precision: 'fp32' } as const;
  const { together, apart } = predictMemory(model, picture);
  const draw = async (availableBytes: number) => {
    const engine = createEngine(Object.assign(new NodeBackend(1), { availableBytes: () => availableBytes }));
    try {
      await engine.generate({ ...request, seed: 4 });
      return (await engine.generate(request)).picture.png;
    } finally {
      await engine.dispose();
    }
  };
  assert.deepEqual(await draw(apart), await draw(together));
  await assert.rejects(draw(apart - 1e6), /needs about .* of memory for 64x64 pixels/);
});

test('short of memory for the decoder: a large image is decoded in tiles, which is said', async () => {
  const size = { width: 1024, height: 768 };
  const request = { prompt: 'a house', model: await checkpoint('sd15'), seed: 3, steps: 1, ...size };
  const model = await DiffusionModel.open(request.model);
  const { tiled, apart } = predictMemory(model, { ...size, batch: 2, precision: 'fp32' });
  assert.ok(tiled < apart);
  const draw = async (availableBytes: number) => {
    const engine = createEngine(Object.assign(new NodeBackend(1), { availableBytes: () => availableBytes }));
    try {
      return await engine.generate(request);
    } finally {
      await engine.dispose();
    }
  };
  const [whole, parts] = [await draw(apart), await draw(tiled)];
  assert.deepEqual(whole.warnings, []);
  assert.match(parts.warnings.join(), /decoded in tiles/);
  const [a, b] = [await decodePicture(whole.picture.png, 'a'), await decodePicture(parts.picture.png, 'b')];
  assert.deepEqual([b.width, b.height], [1024, 768]);
  const difference =
    a.pixels.reduce((sum, value, i) => sum + Math.abs(value - b.pixels[i]!), 0) / a.pixels.length;
  assert.ok(difference > 0 && difference < 8, `mean difference ${difference}`);
});

test('a value larger than a buffer of the device: images and edits of them are coded in tiles', async () => {
  const size = { width: 768, height: 128 };
  const request = { prompt: 'a house', model: await checkpoint('sd15'), seed: 3, steps: 1, ...size };
  const model = await DiffusionModel.open(request.model);
  const extent = { ...size, batch: 1, tokens: 0 };
  const largestBuffer = largestValueBytes(model.network('vae-decoder'), extent) - 1;
  const real = new NodeBackend(1);
  const engine = createEngine(Object.assign(real, { can: { ...real.can, largestBuffer } }));
  try {
    const { picture, warnings } = await engine.generate({ ...request, remember: true });
    assert.match(warnings.join(), /decoded in tiles/);
    assert.equal((await engine.store()).pictures.length, 0);
    const masked = (x: number, y: number) => y >= 40 && y < 80 && x >= 300 && x < 380;
    const data = Uint8Array.from({ length: 768 * 128 }, (_, i) =>
      Number(masked(i % 768, Math.floor(i / 768))),
    );
    const mask = await encodeMask({ ...size, data });
    for (const mode of ['dense', 'sparse'] as const) {
      const edited = await engine.edit({ ...request, image: picture.png, mask, steps: 2, mode });
      assert.match(edited.warnings.join(), /decoded in tiles/);
      const [before, after] = [
        await decodePicture(picture.png, 'before'),
        await decodePicture(edited.picture.png, 'after'),
      ];
      const channels = after.pixels.length / data.length;
      const changed = [0, 0];
      for (const [i, value] of after.pixels.entries())
        if (value !== before.pixels[i]) changed[data[Math.floor(i / channels)]!]!++;
      assert.equal(changed[0], 0, mode);
      assert.ok(changed[1]! > 1000, `${mode}: ${changed[1]} values`);
    }
    // What fits is computed as usual.
    const small = await engine.generate({ ...request, width: 64, height: 64 });
    assert.deepEqual(small.warnings, []);
  } finally {
    await engine.dispose();
  }
});

test('on a GPU, int8 and int4 are weights in blocks, with which images and edits are near those in float32', async () => {
  const size = { width: 64, height: 64 };
  const request = { prompt: 'a house', model: await checkpoint('sd15'), seed: 3, steps: 2, ...size };
  const real = new NodeBackend(1);
  const engine = createEngine(Object.assign(real, { can: { ...real.can, ...kernelsOf('webgpu') } }));
  try {
    const mask = await encodeMask({ ...size, data: new Uint8Array(64 * 64).fill(1, 0, 64 * 24) });
    const { png: image } = (await engine.generate({ ...request, precision: 'fp32' })).picture;
    const drawn = async (precision: 'fp32' | 'int8' | 'int4') => {
      const { picture } = await engine.generate({ ...request, precision });
      const edited = await engine.edit({ ...request, precision, image, mask });
      return Promise.all([picture.png, edited.picture.png].map((png) => decodePicture(png, precision)));
    };
    const exact = await drawn('fp32');
    for (const precision of ['int8', 'int4'] as const)
      for (const [i, picture] of (await drawn(precision)).entries()) {
        const near = psnr(picture.pixels, exact[i]!.pixels);
        assert.ok(near > { int8: 20, int4: 12 }[precision], `${precision} ${i}: ${near} dB`);
      }
  } finally {
    await engine.dispose();
  }
});

test('a picture is remembered for edits where memory is enough for its features', async () => {
  const request = { prompt: 'a house', model: await checkpoint('sd15'), steps: 2, remember: true };
  const model = await DiffusionModel.open(request.model);
  const picture = { width: 64, height: 64, batch: 2, precision: 'fp32', records: true } as const;
  const { together } = predictMemory(model, picture);
  for (const [available, remembered] of [
    [together + 1e6, 1],
    [together - 1e6, 0],
  ] as const) {
    const engine = createEngine(Object.assign(new NodeBackend(1), { availableBytes: () => available }));
    await engine.generate(request);
    assert.equal((await engine.store()).pictures.length, remembered);
    await engine.dispose();
  }
});

test('a LoRA file in int8', async () => {
  const model = await checkpoint('sd15');
  const lora = path.join(folder, 'lora.safetensors');
  await writeLora(lora);
  const engine = createEngine(backend);
  const draw = async (strength: number) =>
    (
      await engine.generate({
        prompt: 'a',
        model,
        seed: 1,
        steps: 1,
        precision: 'int8',
        loras: [{ lora, strength }],
      })
    ).picture.png;
  const [plain, changed] = [await draw(0), await draw(1)];
  assert.notDeepEqual(plain.subarray(-2000), changed.subarray(-2000));
  await engine.dispose();
});

test('SDXL: states of two text encoders side by side, the second’s embedding, size conditions', async () => {
  const model = await DiffusionModel.open(await checkpoint('ssd-1b'));
  const components = new Components(model, backend, 1);
  const text = await TextEncoder.open(model, components);
  const size = { width: 96, height: 64 };
  const { condition } = await conditionFor({ model, components, text }, 'a red house', '', 9, size);
  const { text: states, vectors } = condition;
  assert.deepEqual(states.dims, [2, 77, 24]);
  assert.deepEqual([...vectors!.size!.data], [64, 96, 0, 0, 64, 96, 64, 96, 0, 0, 64, 96]);
  assert.ok(
    (states.data as Float32Array).subarray(77 * 24).every((value) => value === 0),
    'no negative prompt is zeros',
  );

  const tokenizer = await loadTokenizer((await model.tokenizer('text-encoder-2')).folder);
  const ids = tokenizer.frame(tokenizer.tokens('a red house'));
  const program = await components.program('text-encoder-2');
  const given = int64(BigInt64Array.from(ids, BigInt), [1, 77]);
  const outputs = await program.run(textInputs(components.network('text-encoder-2'), given));
  const penultimate = floats(outputs, 'penultimate');
  for (const place of [0, 5, 76])
    assert.deepEqual(
      [...states.data.slice(place * 24 + 8, place * 24 + 24)],
      [...penultimate.subarray(place * 16, place * 16 + 16)],
    );

  // The embedding is text_projection · (the last state at eos).
  const weights = await model.weights('text-encoder-2');
  const projection = await readFloat32(weights.find('text_projection.weight')!);
  const atEos = floats(outputs, 'last_hidden_state').subarray(4 * 16, 5 * 16);
  const { data, dims } = vectors!.pooled!;
  assert.deepEqual(dims, [2, 12]);
  for (let row = 0; row < 12; row++) {
    const expected = atEos.reduce((sum, value, i) => sum + value * projection[row * 16 + i]!, 0);
    assert.ok(Math.abs((data[row] as number) - expected) < 1e-5, `${row}: ${data[row]}, not ${expected}`);
    assert.equal(data[12 + row], 0);
  }
  await components.release();
});

test('emphasis and length: weight 1 changes nothing, weight 0 is the empty prompt’s state, chunks follow', async () => {
  const model = await DiffusionModel.open(await checkpoint('sd15'));
  const components = new Components(model, backend, 1);
  const text = await TextEncoder.open(model, components);
  const encode = async (prompt: string) => (await text.encode([prompt])).states;
  const plain = await encode('a red house');
  assert.deepEqual((await encode('a (red:1) house')).data, plain.data);
  const row = (states: { data: Float32Array }, place: number) => [
    ...states.data.subarray(place * 16, place * 16 + 16),
  ];
  const empty = await encode('');
  assert.deepEqual(row(await encode('a (red:0) house'), 2), row(empty, 2));
  const long = await encode(`${'house '.repeat(75)}a red house`);
  assert.deepEqual(long.dims, [1, 154, 16]);
  const last = float32(long.data.subarray(77 * 16), [1, 77, 16]);
  for (const place of [1, 2, 3, 4])
    for (const [i, value] of row(plain, place).entries())
      assert.ok(Math.abs(value - row(last, place)[i]!) < 1e-5);
  const pair = await text.encode([`${'house '.repeat(75)}a red house`, '']);
  assert.deepEqual(pair.states.dims, [2, 154, 16]);
  await components.release();
});
