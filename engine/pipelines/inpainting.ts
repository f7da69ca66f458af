import type { Components } from '../execution/components.ts';
import type { Condition } from '../execution/condition.ts';
import { type Coded, DEFAULT_MARGIN, RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { seesMask } from '../execution/denoiser-inputs.ts';
import type { LatentDims } from '../execution/latents.ts';
import { float32 } from '../graph/tensor.ts';
import { type PictureWindow, workedSize } from '../pictures/window.ts';
import type { Mask } from '../regions/mask.ts';

/** What a model sees behind the latents; empty for one that sees no mask. */
type Planes = Pick<Condition, 'planes'>;

/**
 * What an inpainting model sees behind the noised latents (Rombach et al. 2022; diffusers'
 * StableDiffusionInpaintPipeline): the mask, 1 where it paints, then the latents of the picture in which the masked
 * part is mid-grey. [1 + C, h, w].
 */
function planesOf(
  mask: Float32Array,
  known: Float32Array,
  [channels, height, width]: LatentDims,
): Required<Planes> {
  const all = new Float32Array(mask.length + known.length);
  all.set(mask);
  all.set(known, mask.length);
  return { planes: float32(all, [1 + channels, height, width]) };
}

function hasPlanes(components: Components, [channels]: LatentDims): boolean {
  return seesMask(components.network('denoiser'), channels);
}

/** For a picture that is drawn from nothing: everything is masked, and nothing is known. */
export async function drawingPlanes(components: Components, dims: LatentDims): Promise<Planes> {
  if (!hasPlanes(components, dims)) return {};
  const known = drawn.get(components) ?? new Map<string, Planes>();
  drawn.set(components, known);
  const planes = known.get(String(dims)) ?? (await encodedGrey(components, dims));
  known.clear();
  known.set(String(dims), planes);
  return planes;
}

/** The planes of the last size, by the loaded model. */
const drawn = new WeakMap<Components, Map<string, Planes>>();

async function encodedGrey(components: Components, dims: LatentDims): Promise<Planes> {
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
export function recordingPlanes(components: Components, latent: Float32Array, dims: LatentDims): Planes {
  if (!hasPlanes(components, dims)) return {};
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
 * For an edit by a model that sees the mask. `macs`: of encoding the picture with its hole. Other positions than the
 * painted ones and the ring see the picture without a hole: a sparse edit reads what was recorded of them.
 */
export async function editPlanes(
  autoencoder: RegionAutoencoder,
  { planes, window, hole, painted, encoded, ring = 0 }: MaskedPicture,
  dims: LatentDims,
): Promise<Required<Planes> & { macs: number }> {
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
  return { ...planesOf(Float32Array.from(painted.data), data, dims), macs };
}
