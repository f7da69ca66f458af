import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMALL_FLUX2, SMALL_LLAMA, SMALL_NITRO_E, SMALL_SANA } from '../../test/support/transformers.ts';
import { checkFit } from './fit.ts';
import { autoencoderFacts } from './networks.ts';
import { pipelineNamed } from './pipelines.ts';

const fit = (pipeline: string, denoiser: object, latentChannels: number) =>
  checkFit(
    { config: denoiser, origin: 'transformer' },
    { ...autoencoderFacts({ _class_name: 'AutoencoderDC' }, 'vae'), latentChannels },
    [{ config: SMALL_LLAMA, origin: 'text_encoder' }],
    pipelineNamed(pipeline, 'model_index.json'),
  );

test('a transformer fits its autoencoder and its text encoder', () => {
  const sana = { _class_name: 'SanaTransformer2DModel', ...SMALL_SANA };
  assert.throws(() => fit('SanaPipeline', sana, 4), /takes 3 and gives 3 channels.*autoencoder has 4/);
  assert.throws(() => fit('SanaPipeline', sana, 3), /caption_channels is 6, but the text encoder gives 8/);
  fit('SanaPipeline', { ...sana, caption_channels: 8 }, 3);
  fit('EMMDiTPipeline', SMALL_NITRO_E, 4);
  const flux2 = { _class_name: 'Flux2Transformer2DModel', ...SMALL_FLUX2, in_channels: 16 };
  assert.throws(() => fit('Flux2KleinPipeline', flux2, 16), /joint_attention_dim is 6.*gives 24/);
  fit('Flux2KleinPipeline', { ...flux2, joint_attention_dim: 24 }, 16);
});

test('a transformer of another class is refused with the classes that are supported', () => {
  const sd3 = { _class_name: 'SD3Transformer2DModel' };
  assert.throws(
    () => fit('SanaPipeline', sd3, 16),
    /"SD3Transformer2DModel" is not supported; supported: SanaTransformer2DModel, EMMDiTTransformer, Flux2Trans/,
  );
});
