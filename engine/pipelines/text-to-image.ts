import type { CallOptions, EncodedPicture, GenerateProgress, GenerateResult, Recipe } from '../api.ts';
import { InputError } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { ModelFolder } from '../models/folder.ts';
import { gaussianNoise, START_NOISE, stepNoise } from '../pictures/noise.ts';
import { encodePng } from '../pictures/png.ts';
import { withRecipe } from '../pictures/recipe.ts';
import { float32, floats, type Tensor } from '../runtime/runtime.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Components } from './components.ts';
import { denoise, listen } from './denoise.ts';
import type { Condition } from './guidance.ts';
import { guidanceEmbedding } from './guidance-embedding.ts';
import { planarPredict } from './planar-unet.ts';
import { latentPreview } from './preview.ts';
import type { TextEncoder } from './text-encoder.ts';

/** Least time between two previews that cost a decoder run. */
const PREVIEW_INTERVAL_MS = 250;

/** A model made ready to draw. */
export interface TextToImage {
  model: ModelFolder;
  components: Components;
  text: TextEncoder;
}

/** Draws a picture: prompt → text encoder → denoising loop → decoder → PNG. */
export async function textToImage(
  { model, components, text }: TextToImage,
  recipe: Recipe,
  options: CallOptions<GenerateProgress> & { previews?: boolean } = {},
): Promise<GenerateResult> {
  const begin = performance.now();
  const { signal } = options;
  const { scale, latentChannels } = model.autoencoder;
  const { width, height, steps, guidance, seed } = recipe;
  if (width % scale || height % scale)
    throw new InputError(`${model.name} makes pictures whose sides are multiples of ${scale} pixels.`);
  const scheduler = createScheduler(model.schedulerConfig, steps, recipe.scheduler);
  const report = (stage: GenerateProgress['stage'], step: number, preview?: EncodedPicture) =>
    options.onProgress?.({ stage, step, steps, ...(preview && { preview }) });

  report('load', 0);
  await listen(signal);
  const unet = await components.session('unet');
  const decoder = await components.session('vae-decoder');
  const loadSeconds = (performance.now() - begin) / 1000;

  report('encode', 0);
  await listen(signal);
  const extra = extraInputs(components.network('unet'), model, guidance);
  // A guidance-distilled U-Net takes the scale as an input and needs no second branch.
  const guided = guidance > 1 && !extra.timestep_cond;
  const prompts = guided ? [recipe.prompt, recipe.negativePrompt] : [recipe.prompt];
  const encoded = await text.encode(prompts);
  const condition: Condition = { text: encoded.states, guidance, extra };

  const extent = { height: height / scale, width: width / scale };
  const dims = [1, latentChannels, extent.height, extent.width];
  const length = latentChannels * extent.height * extent.width;
  const start = gaussianNoise(seed, START_NOISE, length).map((value) => value * scheduler.initNoiseSigma);

  const decode = async (latent: Float32Array): Promise<EncodedPicture> => {
    const { scalingFactor, shiftFactor } = model.autoencoder;
    const unscaled = latent.map((value) => value / scalingFactor + shiftFactor);
    const image = floats(await decoder.run({ latent: float32(unscaled, dims) }), 'image');
    return { png: await encodePng(image, width, height), width, height };
  };
  let lastPreview = performance.now();
  const preview = async (original: () => Float32Array): Promise<EncodedPicture | undefined> => {
    if (options.previews === false || !options.onProgress) return undefined;
    const now = performance.now();
    if (now - lastPreview < PREVIEW_INTERVAL_MS) return undefined;
    lastPreview = now;
    if (model.autoencoder.kind === 'tiny') return decode(original());
    return latentPreview(original(), dims, model.autoencoder.scalingFactor);
  };

  const stepSeconds: number[] = [];
  let stepBegin = performance.now();
  report('denoise', 0);
  const predict = planarPredict(unet, scheduler, dims.slice(1), condition);
  const latent = await denoise(predict, scheduler, start, {
    signal,
    noise: (index) => gaussianNoise(seed, stepNoise(index), length),
    onStep: async (index, _, original) => {
      stepSeconds.push((performance.now() - stepBegin) / 1000);
      report('denoise', index + 1, index + 1 < steps ? await preview(original) : undefined);
      stepBegin = performance.now();
    },
  });
  report('decode', steps);
  await listen(signal);
  const picture = await decode(latent);

  const batch = prompts.length;
  const tokens = encoded.states.dims[1]!;
  const picturePixels = { height, width, batch: 1, tokens };
  const macs =
    countMacs(components.network('text-encoder'), { ...picturePixels, batch }).total +
    countMacs(components.network('unet'), { ...extent, batch, tokens }).total * scheduler.timesteps.length +
    countMacs(components.network('vae-decoder'), picturePixels).total;
  return {
    picture: { ...picture, png: withRecipe(picture.png, recipe) },
    recipe,
    macs,
    seconds: (performance.now() - begin) / 1000,
    loadSeconds,
    stepSeconds,
    warnings: encoded.warnings,
  };
}

/** The U-Net's inputs beside sample, timestep and text. */
function extraInputs(network: Network, model: ModelFolder, guidance: number): Record<string, Tensor> {
  const extra: Record<string, Tensor> = {};
  for (const [name, value] of network.inputs) {
    if (['sample', 'timestep', 'encoder_hidden_states'].includes(name)) continue;
    if (name !== 'timestep_cond' || value.kind !== 'vector')
      throw new InputError(
        `${model.name}: pictures from ${model.pipeline} models, whose U-Net takes ${name}, are not supported; supported: Stable Diffusion 1 and 2 and their distillations.`,
      );
    extra[name] = guidanceEmbedding(guidance, value.channels);
  }
  return extra;
}
