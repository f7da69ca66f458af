import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test, { after } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import type { Weight } from '../../graph/values.ts';
import { decodePicture } from '../../pictures/read.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { temporaryFolder } from '../../weights/testing.ts';

const fixtures = path.join(import.meta.dirname, '../../../test/fixtures/single-file/full-size');
const folder = await temporaryFolder();
const image = { width: 64, height: 64, channels: 3 as const, data: new Uint8Array(3 * 64 * 64).fill(99) };
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

type Widths = Readonly<Record<number, number>>;

/** The widths of a U-Net by its first: all are multiples of it. */
const unet = (first: number, others: Widths): Widths => ({
  ...Object.fromEntries([1, 2, 3, 4, 6, 8, 16, 32].map((times) => [320 * times, first * times])),
  ...others,
});

/**
 * Smaller widths by part, in place of the published ones: those that the networks divide into groups or heads stay
 * divisible. Everything else of a list stays: names, levels, layers, numbers of heads or their width.
 */
const SMALLER: Readonly<Record<string, Readonly<Record<string, Widths>>>> = {
  sd1: { 'model.': unet(32, { 768: 64 }), cond_stage_model: { 768: 64, 3072: 64 } },
  // Heads have 64 channels.
  sd2: { 'model.': unet(64, { 1024: 64 }), cond_stage_model: { 1024: 64, 3072: 192, 4096: 64 } },
  // The text of both encoders side by side, and the second one's embedding with six numbers of 256 channels.
  sdxl: {
    'model.': unet(32, { 2048: 192, 2816: 128 + 6 * 256 }),
    'conditioner.embedders.0': { 768: 64, 3072: 64 },
    'conditioner.embedders.1': { 1280: 128, 3840: 384, 5120: 128 },
  },
};
const AUTOENCODER: Widths = { 128: 32, 256: 64, 512: 128 };

/** The list of a published file, as tensors of smaller widths. */
async function smaller(list: string, family: string): Promise<Weight[]> {
  const packed = await readFile(path.join(fixtures, `${list}.json.gz`));
  const { tensors, leftovers } = JSON.parse(gunzipSync(packed).toString());
  return Object.entries<[string, number[]]>({ ...tensors, ...leftovers }).map(([name, [, shape]]) => {
    const [, widths = {}] =
      Object.entries({ ...SMALLER[family]!, first_stage_model: AUTOENCODER }).find(([part]) =>
        name.startsWith(part),
      ) ?? [];
    const kind = shape.length > 1 ? 'weight' : name.endsWith('.weight') ? 'gain' : 'bias';
    return { name, shape: shape.map((side) => widths[side] ?? side), kind } as Weight;
  });
}

for (const [list, family, title] of [
  ['sd15', 'sd1', 'Stable Diffusion 1'],
  ['sd15-inpaint', 'sd1', 'Stable Diffusion 1'],
  ['sd21', 'sd2', 'Stable Diffusion 2'],
  ['sdxl', 'sdxl', 'Stable Diffusion XL'],
  ['sdxl-inpaint', 'sdxl', 'Stable Diffusion XL'],
] as const)
  test(`every name of ${list}: ${title} is recognized, and draws or edits with random weights`, async () => {
    const { file } = await syntheticWeights(await smaller(list, family), { seed: 1, folder });
    const asked = {
      model: file,
      prompt: 'a cat',
      seed: 1,
      steps: 1,
      guidance: 1,
      precision: 'fp32' as const,
    };
    const { picture } = list.endsWith('inpaint')
      ? await engine.edit({ ...asked, image, mode: 'dense' })
      : await engine.generate({ ...asked, width: 64, height: 64 });
    const { pixels, width, height } = await decodePicture(picture.png, list);
    assert.deepEqual([width, height], [64, 64]);
    assert.ok(new Set(pixels).size > 16, 'an image of more than one colour');
    if (list !== 'sd21') return;
    // A named OpenCLIP has its last layer, which the model was not trained with.
    const named = await engine.generate({ ...asked, width: 64, height: 64, textEncoders: [file] });
    assert.deepEqual((await decodePicture(named.picture.png, list)).pixels, pixels);
  });
