import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { weightsOf } from '../../graph/network.ts';
import type { StoredTensor, TensorFile } from '../../weights/source.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { writeSafetensors } from '../../weights/write.ts';
import { ARCHITECTURES } from '../architectures.ts';
import { DiffusionModel } from '../diffusion-model.ts';
import { networkOf } from '../networks.ts';
import { autoencoderConfigOf } from './autoencoder.ts';
import { familyOf, predictionIn, refuseRelatives } from './family.ts';
import { otherKind } from './kind.ts';
import { readSingleFile } from './layout.ts';
import { textConfigFor } from './placed.ts';
import { sectionsOf } from './sections.ts';
import { unetConfigOf } from './unet.ts';

const fixtures = path.join(import.meta.dirname, '../../../test/fixtures/single-file');
const unpacked = async (file: string) =>
  JSON.parse(gunzipSync(await readFile(path.join(fixtures, file))).toString());

/** A file of which only names, types and shapes exist. */
function fileOf(
  shapes: Record<string, [string, number[]]>,
  metadata: Record<string, string> = {},
): TensorFile {
  const tensors = new Map(
    Object.entries(shapes).map(([name, [dtype, shape]]): [string, StoredTensor] => {
      const length = shape.reduce((a, b) => a * b, dtype === 'F32' ? 4 : 2);
      return [name, { name, dtype, shape, file: '/x.safetensors', offset: 0, length }];
    }),
  );
  return {
    file: '/x.safetensors',
    origin: '/x.safetensors',
    metadata,
    names: () => tensors.keys(),
    find: (name) => tensors.get(name),
  };
}

for (const [list, architecture, parameters] of [
  ['sd15', 'sd15', 859_520_964],
  ['sd15-inpaint', 'sd15', undefined],
  ['sd21', 'sd21', 865_910_724],
  ['sdxl', 'sdxl', 2_567_463_684],
  ['sdxl-inpaint', 'sdxl', undefined],
] as const)
  test(`${list} at full size: its networks are those of the architecture, every weight is found`, async () => {
    const { tensors, leftovers } = await unpacked(`full-size/${list}.json.gz`);
    const { unet, autoencoder, texts } = sectionsOf(fileOf({ ...tensors, ...leftovers }));
    const known = ARCHITECTURES[architecture]!;
    const inChannels = list.includes('inpaint') ? 9 : 4;
    const { config, facts } = unetConfigOf(unet!, 'x');
    const network = networkOf('denoiser', config, 'x');
    const expected = networkOf('denoiser', { ...known.denoiser, in_channels: inChannels }, 'x');
    assert.deepEqual(network.operators, expected.operators);
    const source = (found: ReadonlyMap<string, StoredTensor>) => ({
      origin: 'x',
      names: () => found.keys(),
      find: (name: string) => found.get(name),
    });
    new WeightTable(network, source(unet!));
    const count = weightsOf(network).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    if (parameters) assert.equal(count, parameters);
    const family = familyOf(facts);
    assert.equal(family, architecture === 'sd15' ? 'sd1' : architecture === 'sd21' ? 'sd2' : 'sdxl');
    for (const part of ['vae-decoder', 'vae-encoder'] as const) {
      const vae = networkOf(part, autoencoderConfigOf(autoencoder!, 0.18215), 'x');
      assert.deepEqual(vae.operators, networkOf(part, known.vae, 'x').operators);
      new WeightTable(vae, source(autoencoder!));
    }
    const configs = [known.textEncoder, known.textEncoder2].filter((one) => one !== undefined);
    assert.equal(texts.length, configs.length);
    for (const [i, text] of texts.entries()) {
      const read = textConfigFor(text, i === 1, family === 'sd2' ? 1 : 0);
      const encoder = networkOf('text-encoder', read, 'x');
      assert.deepEqual(encoder.operators, networkOf('text-encoder', configs[i], 'x').operators);
      new WeightTable(encoder, source(text.tensors));
    }
  });

/** The bytes of a tensor in the layout of its shape. */
async function bytesOf({ file, offset, length, shape, axes, dtype }: StoredTensor): Promise<Buffer> {
  const handle = await open(file);
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, offset);
  await handle.close();
  if (!axes) return bytes;
  const [rows, columns] = shape as [number, number];
  const size = dtype === 'F32' ? 4 : 2;
  const turned = Buffer.alloc(length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      bytes.copy(turned, (r * columns + c) * size, (c * rows + r) * size, (c * rows + r + 1) * size);
  return turned;
}

for (const pack of ['sd15-ema-no-vae', 'sdxl'])
  test(`${pack}: every tensor has diffusers' name, type, shape and bytes`, async () => {
    const folder = path.join(fixtures, pack);
    const converted = await unpacked(`${pack}/converted.json.gz`);
    const names = await readdir(folder);
    const vae = names.includes('vae-only.safetensors')
      ? path.join(folder, 'vae-only.safetensors')
      : undefined;
    const { networks } = await readSingleFile(
      path.join(folder, 'checkpoint.safetensors'),
      vae ? { vae } : {},
    );
    let compared = 0;
    for (const [part, tensors] of Object.entries<
      Record<string, { dtype: string; shape: number[]; sha256: string }>
    >(converted)) {
      const placed = networks.get(part as 'unet');
      if (!placed) continue;
      const source = await placed.weights();
      for (const [name, { dtype, shape, sha256 }] of Object.entries(tensors)) {
        const tensor = source.find(name);
        assert.ok(tensor, `${part}: ${name}`);
        assert.equal(tensor.dtype, dtype);
        const trimmed = (dims: readonly number[]) => dims.filter((n) => n !== 1);
        assert.deepEqual(trimmed(tensor.shape), trimmed(shape), name);
        assert.equal(
          createHash('sha256')
            .update(await bytesOf(tensor))
            .digest('hex'),
          sha256,
          name,
        );
        compared++;
      }
    }
    assert.ok(compared > 300, String(compared));
  });

const folder = await temporaryFolder();

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Writes the part of a fixture's tensors that `keep` chooses, zeros where they have another shape. */
async function partOf(
  name: string,
  keep: (tensor: string) => boolean,
  others: Readonly<Record<string, (shape: readonly number[]) => number[]>> = {},
): Promise<string> {
  const { openTensors } = await import('../../weights/tensor-file.ts');
  const source = await openTensors(path.join(fixtures, 'sdxl/checkpoint.safetensors'));
  const file = path.join(folder, name);
  const tensors = [...source.names()].filter(keep).map((tensor) => source.find(tensor)!);
  await writeSafetensors(
    file,
    tensors.map((tensor) => {
      const shape = others[tensor.name]?.(tensor.shape) ?? tensor.shape;
      const grown = sizeOf(shape) / sizeOf(tensor.shape);
      return {
        name: tensor.name,
        dtype: tensor.dtype as 'F32',
        shape,
        chunks: async function* () {
          yield grown === 1 ? await bytesOf(tensor) : new Uint8Array(grown * tensor.length);
        },
      };
    }),
  );
  return file;
}

test('what a file lacks is said with how to name it; the rest can be used without it', async () => {
  const file = await partOf('no-vae.safetensors', (name) => !name.startsWith('first_stage_model.'));
  const model = await DiffusionModel.open(file);
  assert.ok(model.network('denoiser').operators.length > 100);
  assert.throws(
    () => model.requireComplete(),
    /no-vae\.safetensors \(Stable Diffusion XL\) has no autoencoder \(VAE\) in it: name one with --vae/,
  );
  await assert.rejects(model.weights('vae-decoder'), /has no autoencoder/);
  const bare = await DiffusionModel.open(
    await partOf('bare.safetensors', (name) => name.startsWith('model.')),
  );
  assert.throws(() => bare.requireComplete(), /has no autoencoder/);
  await assert.rejects(
    bare.weights('text-encoder-2'),
    /needs two text encoders, CLIP and OpenCLIP, and has none in it/,
  );
});

test('files of other kinds are named', async () => {
  const vae = await partOf('vae.safetensors', (name) => name.startsWith('first_stage_model.'));
  await assert.rejects(DiffusionModel.open(vae), /vae\.safetensors is an autoencoder \(VAE\)/);
  const text = await partOf('text.safetensors', (name) => name.startsWith('conditioner.embedders.0.'));
  await assert.rejects(DiffusionModel.open(text), /is a text encoder/);
  await assert.rejects(DiffusionModel.open(path.join(fixtures, 'sdxl/lora.safetensors')), /is a LoRA file/);
  const whole = await DiffusionModel.open(await partOf('whole.safetensors', () => true), { vae });
  whole.requireComplete();
  assert.match(whole.id, /whole\.safetensors \+ .*vae\.safetensors/);
});

test('a U-Net of eight channels, InstructPix2Pix, is refused by name', async () => {
  const first = 'model.diffusion_model.input_blocks.0.0.weight';
  const file = await partOf('edits.safetensors', () => true, { [first]: (shape) => [shape[0]!, 8, 3, 3] });
  await assert.rejects(
    DiffusionModel.open(file),
    /edits\.safetensors.*takes 8 channels.*InstructPix2Pix.*not supported/,
  );
});

test('relatives that are not supported are refused by name', () => {
  const kindOf = (name: string) => {
    const file = fileOf({ [name]: ['F16', [4]] });
    return otherKind(file, sectionsOf(file));
  };
  assert.match(kindOf('model.diffusion_model.double_blocks.0.img_attn.qkv.weight'), /^a Flux model/);
  assert.match(
    kindOf('model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight'),
    /^a Stable Diffusion 3 model/,
  );
  assert.match(kindOf('control_model.time_embed.0.weight'), /^a ControlNet/);
  assert.match(kindOf('emb_params'), /^a textual inversion/);
  assert.match(kindOf('anything'), /^no checkpoint of Stable Diffusion 1, 2 or XL/);
  const refiner = fileOf({ 'conditioner.embedders.0.model.ln_final.weight': ['F16', [1280]] });
  assert.throws(() => refuseRelatives(refiner, 'sdxl'), /x\.safetensors is a refiner of Stable Diffusion XL/);
  assert.throws(
    () => refuseRelatives(fileOf({ edm_mean: ['F32', [1]] }), 'sdxl'),
    /another noise process \(EDM\)/,
  );
});

test('what the U-Net predicts is read from metadata and marks', () => {
  const stated = (shapes: Record<string, [string, number[]]>, metadata = {}) =>
    predictionIn(fileOf(shapes, metadata)).prediction;
  assert.equal(stated({}), undefined);
  assert.equal(stated({ v_pred: ['F32', [0]] }), 'v_prediction');
  assert.equal(stated({}, { 'modelspec.prediction_type': 'v' }), 'v_prediction');
  assert.equal(stated({}, { 'modelspec.prediction_type': 'epsilon' }), 'epsilon');
  assert.equal(stated({}, { 'modelspec.architecture': 'stable-diffusion-v2-768-v' }), 'v_prediction');
  assert.equal(stated({}, { global_step: '875000' }), 'epsilon');
  assert.equal(predictionIn(fileOf({ ztsnr: ['F32', [0]] })).zeroTerminal, true);
});
