import type { Precision } from '../api.ts';
import { InputError } from '../errors.ts';
import type { Extent } from '../graph/macs.ts';
import { peakValueBytes } from '../graph/memory.ts';
import { countParameters, type Network } from '../graph/network.ts';
import type { Part } from '../models/parts.ts';
import { formatBytes } from '../units.ts';

/** What of a model the prediction looks at. */
export interface PlannedModel {
  name: string;
  textParts: readonly Part[];
  autoencoder: { scale: number };
  network(part: Part): Network;
}

export interface PlannedPicture {
  width: number;
  height: number;
  /** 2 with guidance, 1 without. */
  batch: number;
  precision: Precision;
  /** An edit keeps all networks, in rows form, and the encoder. */
  edit?: boolean;
}

/** Bytes that drawing a picture takes at its peak. */
export interface MemoryNeeds {
  /** With every network loaded, which makes the next picture quick. */
  together: number;
  /** With each network loaded when it is needed and freed after that. */
  apart: number;
}

/**
 * How memory follows from the graph, fitted to measured peaks (`scripts/peaks.ts` compares). Bytes of the process and
 * the runtime; of a network beside its weights; and for each byte of values that live at once.
 */
const PROCESS_BYTES = 170e6;
const VALUE_FACTOR = 2.4;

/** Bytes in memory for each parameter of the U-Net (int8, int4: estimates); other networks are in float32. */
const PARAMETER_BYTES: Record<Precision, number> = { fp32: 4, int8: 1.3, int4: 1 };

const TOKENS = 77;

/** Predicts the peak from the networks' definitions; no weights are needed. */
export function predictMemory(model: PlannedModel, picture: PlannedPicture): MemoryNeeds {
  const { width, height, batch, precision, edit = false } = picture;
  const { scale } = model.autoencoder;
  const pixels = { width, height, batch: 1, tokens: TOKENS };
  const latents = {
    width: Math.ceil(width / scale),
    height: Math.ceil(height / scale),
    batch,
    tokens: TOKENS,
  };
  const need = (part: Part, extent: Extent, perParameter?: number) => {
    const { weights, values } = predictPart(model.network(part), extent, perParameter);
    return weights + values;
  };
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const text = sum(model.textParts.map((part) => need(part, latents)));
  const unet = need('unet', latents, PARAMETER_BYTES[precision]);
  const decoder = need('vae-decoder', pixels);
  const encoder = edit ? need('vae-encoder', pixels) : 0;
  const together = PROCESS_BYTES + text + unet + decoder + encoder;
  return { together, apart: edit ? together : PROCESS_BYTES + Math.max(text, unet, decoder) };
}

/** The peak of one network that runs alone: what its weights and its values take, and both with the process. */
export function predictPart(
  network: Network,
  extent: Extent,
  perParameter = PARAMETER_BYTES.fp32,
): { weights: number; values: number; total: number } {
  const weights = perParameter * countParameters(network);
  const values = VALUE_FACTOR * peakValueBytes(network, extent);
  return { weights, values, total: PROCESS_BYTES + weights + values };
}

export type MemoryPlan = 'together' | 'apart';

/**
 * How to load a model's networks for a picture so that it fits `available` bytes.
 * @throws InputError with the prediction and what would fit, where it does not
 */
export function planMemory(
  model: PlannedModel,
  picture: PlannedPicture,
  available: number,
  precisions: readonly Precision[],
): MemoryPlan {
  const needs = predictMemory(model, picture);
  if (needs.together <= available) return 'together';
  if (needs.apart <= available) return 'apart';
  const fits = (change: Partial<PlannedPicture>) =>
    predictMemory(model, { ...picture, ...change }).apart <= available;
  const sizes = [0.75, 0.5, 0.375, 0.25].map((factor) => ({
    width: Math.max(64, Math.floor((picture.width * factor) / 64) * 64),
    height: Math.max(64, Math.floor((picture.height * factor) / 64) * 64),
  }));
  const others = precisions.filter((precision) => precision !== picture.precision);
  const both = others.flatMap((precision) => sizes.map((size) => ({ ...size, precision })));
  const changes = [sizes.find(fits), others.map((precision) => ({ precision })).find(fits)].filter(Boolean);
  const advice = (changes.length > 0 ? changes : [both.find(fits)]).flatMap((change) => describe(change));
  throw new InputError(
    `${model.name} needs about ${formatBytes(needs.apart)} of memory for ${picture.width}x${picture.height} pixels, and ${formatBytes(available)} are free; ${
      advice.length > 0 ? `what would fit: ${advice.join(', or ')}` : 'a smaller model would fit'
    }.`,
  );
}

function describe(change: Partial<PlannedPicture> | undefined): string[] {
  const { width, height, precision } = change ?? {};
  const words = [
    ...(width ? [`${width}x${height} pixels`] : []),
    ...(precision ? [`the precision ${precision}`] : []),
  ];
  return words.length > 0 ? [words.join(' in ')] : [];
}
