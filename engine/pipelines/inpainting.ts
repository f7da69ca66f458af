import type { Components } from '../execution/components.ts';
import { type Coded, DEFAULT_MARGIN, RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import type { LatentDims } from '../execution/latents.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import { type PictureWindow, workedSize } from '../pictures/window.ts';
import type { Mask } from '../regions/mask.ts';

/**
 * What an inpainting model sees behind the noised latents (Rombach et al. 2022; diffusers'
 * StableDiffusionInpaintPipeline): the mask, 1 where it paints, then the latents of the picture in which the masked
 * part is mid-grey. [1 + C, h, w].
 */
function planesOf(mask: Float32Array, known: Float32Array, [channels, height, width]: LatentDims): Tensor {
  const all = new Float32Array(mask.length + known.length);
  all.set(mask);
  all.set(known, mask.length);
  return float32(all, [1 + channels, height, width]);
}

/** For a picture that is drawn from nothing: everything is masked, and nothing is known. */
export async function drawingPlanes(components: Components, dims: LatentDims): Promise<Tensor> {
  const known = drawn.get(components) ?? new Map<string, Tensor>();
  drawn.set(components, known);
  const planes = known.get(String(dims)) ?? (await encodedGrey(components, dims));
  known.clear();
  known.set(String(dims), planes);
  return planes;
}

/** The planes of the last size, by the loaded model. */
const drawn = new WeakMap<Components, Map<string, Tensor>>();

async function encodedGrey(components: Components, dims: LatentDims): Promise<Tensor> {
  const autoencoder = new RegionAutoencoder(components);
  const [, height, width] = dims;
  const { scale } = autoencoder.facts;
  const grey = new Float32Array(3 * height * width * scale ** 2);
  const { data } = await autoencoder.encode(grey, width * scale, height * scale);
  return planesOf(new Float32Array(height * width).fill(1), data, dims);
}

/**
 * For the passes that record a picture: nothing is masked, and all of it is known. Outside a mask an edit sees the
 * same, so that one recording serves every later mask.
 */
export function recordingPlanes(latent: Float32Array, dims: LatentDims): Tensor {
  const [, height, width] = dims;
  return planesOf(new Float32Array(height * width), latent, dims);
}

/**
 * Latent positions around a hole that are encoded with it and discarded, where fewer do than the encoder reads.
 * AutoencoderTiny reads eleven; with four the error of the latents is 57 to 61 dB (docs/measurements.md).
 */
const HOLE_MARGIN: Readonly<Partial<typeof DEFAULT_MARGIN>> = { tiny: 4 };

interface MaskedPicture {
  /** Planes [3, H, W] of the window, −1 … 1. */
  planes: Float32Array;
  window: PictureWindow;
  /** At the size in which the window is worked on, and at latent size. */
  hole: Mask;
  painted: Mask;
  /** What is known, where only some positions are computed: the whole picture's latents with their record. */
  encoded?: Pick<Coded, 'data' | 'record'>;
  /** How many positions around the painted ones are computed then. */
  ring?: number;
}

/**
 * For an edit. `macs`: of encoding the picture with its hole. Other positions than the painted ones and the ring see
 * the picture without a hole: a sparse edit reads what was recorded of them.
 */
export async function editPlanes(
  autoencoder: RegionAutoencoder,
  { planes, window, hole, painted, encoded, ring = 0 }: MaskedPicture,
  dims: LatentDims,
): Promise<{ planes: Tensor; macs: number }> {
  const { width, height } = workedSize(window);
  const positions = width * height;
  const holed = planes.slice();
  for (let i = 0; i < positions; i++)
    if (hole.data[i]) for (let c = 0; c < 3; c++) holed[c * positions + i] = 0;
  const { kind } = autoencoder.facts;
  const around = { dilation: ring, margin: HOLE_MARGIN[kind] ?? DEFAULT_MARGIN[kind] };
  const { data, macs } = encoded
    ? await autoencoder.encodeRegion(holed, width, height, encoded, painted, around)
    : await autoencoder.encode(holed, width, height);
  return { planes: planesOf(Float32Array.from(painted.data), data, dims), macs };
}
