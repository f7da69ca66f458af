import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { type Family, writeCheckpoint } from '../../../test/support/checkpoints.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { InputError } from '../../errors.ts';
import { PLANAR } from '../../execution/forms/form.ts';
import { float32, floats } from '../../graph/tensor.ts';
import { readFloat32 } from '../../weights/read.ts';
import { openTensors } from '../../weights/tensor-file.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { DiffusionModel } from '../diffusion-model.ts';
import { openDrawingModel } from '../open.ts';

const fixtures = path.join(import.meta.dirname, '../../../test/fixtures/tiny-decoders');
const folder = await temporaryFolder();
process.env.HF_HUB_CACHE = path.join(folder, 'hub');

for (const [name, family] of [
  ['taesana_decoder', 'sana'],
  ['taesd_decoder', 'sd15'],
] as const) {
  const file = path.join(fixtures, `${name}.pth`);
  const modelOf = async (place: string, kind: Family = family) => {
    await writeCheckpoint(place, kind);
    return place;
  };

  test(`${name}.pth: the published code's result, of latents as the denoiser has them`, async () => {
    const model = await DiffusionModel.open(await modelOf(path.join(folder, name)), { vae: file });
    const { kind, scale, scalingFactor } = model.autoencoder;
    assert.equal(kind, 'tiny');
    assert.equal(scale, family === 'sana' ? 32 : 8);
    const network = model.network('vae-decoder');
    const weights = new WeightTable(network, await model.weights('vae-decoder'));
    const program = await new NodeBackend(1).compile(network, weights, PLANAR);
    const expected = await openTensors(path.join(fixtures, `${name}.expected.safetensors`));
    const [latent, image] = ['latent', 'image'].map((tensor) => expected.find(tensor)!);
    const values = (await readFloat32(latent!)).map((value) => value / scalingFactor);
    const outputs = await program.run({ latent: float32(values, latent!.shape) });
    const reference = await readFloat32(image!);
    for (const [i, value] of floats(outputs, 'image').entries())
      assert.ok(Math.abs(value - reference[i]!) < 1e-5, `${i}: ${value} instead of ${reference[i]}`);
    await program.release();
    // The model keeps its own encoder.
    assert.match((await model.weights('vae-encoder')).origin, /vae/);
  });

  test(`${name}.pth: found in a folder vae_approx beside the model; its absence is said`, async () => {
    const models = path.join(folder, `${name}-models`);
    const model = await modelOf(path.join(models, 'model'));
    const fast = () => openDrawingModel(model, { decoder: 'fast' });
    await assert.rejects(
      fast,
      family === 'sana' ? /taesana_decoder\.pth of github\.com.* vae_approx/ : /madebyollin\/taesd/,
    );
    await mkdir(path.join(models, 'vae_approx'));
    await copyFile(file, path.join(models, 'vae_approx', `${name}.pth`));
    assert.equal((await fast()).model.autoencoder.kind, 'tiny');
  });

  test(`${name}.pth: found in a folder of another tool that the user named`, async () => {
    const model = await modelOf(path.join(folder, `${name}-alone`, 'model'));
    const tool = path.join(folder, `${name}-tool`);
    const place = path.join(tool, 'models', 'vae_approx');
    await mkdir(place, { recursive: true });
    await copyFile(file, path.join(place, `${name}.pth`));
    const opened = await openDrawingModel(model, { decoder: 'fast', modelFolders: [tool] });
    assert.equal(opened.model.autoencoder.kind, 'tiny');
    await assert.rejects(openDrawingModel(model, { decoder: 'fast', modelFolders: [] }), InputError);
  });
}

test('a decoder of other latents is refused', async () => {
  const place = path.join(folder, 'klein');
  await writeCheckpoint(place, 'flux2-klein');
  await assert.rejects(
    DiffusionModel.open(place, { vae: path.join(fixtures, 'taesd_decoder.pth') }),
    /the autoencoder has 4: they are of different models/,
  );
});
