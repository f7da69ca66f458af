import type { Tensor } from '../graph/tensor.ts';

/** Vectors that some denoisers take in addition to the text. */
export const VECTOR_ROLES = [
  /** The prompt's embedding [B, C] (SDXL). */
  'pooled',
  /** Original size, crop and target size in pixels [B, 6] (SDXL). */
  'size',
  /** The embedded guidance scale [1, C] of guidance-distilled models. */
  'guidance',
  /** The guidance scale itself [1, 1], which such a model embeds (SANA-Sprint). */
  'scale',
] as const;
export type VectorRole = (typeof VECTOR_ROLES)[number];

/**
 * A denoiser's inputs beside the sample, by role; the denoiser maps roles to its network's inputs. The batch is the
 * prompt, then the negative prompt if guided.
 */
export interface Condition {
  /** [B, L, C], B = 2 with guidance, 1 without. */
  text: Tensor;
  /** 1 for tokens that are read, 0 for padding: int64 [B, L]. All are read if absent. */
  textMask?: Tensor;
  /** Texts of regions of the image, as `text`; see `shares`. */
  regions?: readonly Tensor[];
  /** Classifier-free guidance scale (Ho & Salimans 2022). */
  guidance: number;
  vectors?: Partial<Record<VectorRole, Tensor>>;
  /**
   * Planes [C, h, w] at latent size that an inpainting model sees behind the sample's own channels, the same for both
   * branches: the mask, then the latents of the picture without what is under it.
   */
  planes?: Tensor;
  /** What steers the image beside the text, in the order of the model's ControlNets and of its adapters. */
  controls?: { hints: readonly Guide[]; features: readonly Guide[] };
  /** Pictures that are attended to beside the text, in the groups of the model. */
  references?: readonly Reference[];
  /** What each position sees of the text, then of each region's: [1, 1, h, w] by level. They sum to 1. */
  shares?: readonly Readonly<Record<number, Tensor>>[];
  /** Latents [C, h, w] of images that the denoiser reads beside its own, as further positions. */
  images?: readonly Tensor[];
  /** Texts that replace the first one at later steps, in order; see `conditionAt`. */
  later?: readonly LaterText[];
}

/** A picture that steers the image, encoded: by a ControlNet, or by an adapter. */
export interface Guide {
  /** [1, C, h, w]: a ControlNet's hint at latent size; an adapter's features, one for each level. */
  maps: readonly Tensor[];
  strength: number;
  /** Timesteps between which it acts, both included; the first is the larger one. */
  from: number;
  to: number;
  /** More at coarse levels, and for the prompt's branch only (ControlNet's guess mode). */
  guess?: boolean;
}

/** The part of a condition that comes from a prompt. */
type FromPrompt = Pick<Condition, 'text' | 'textMask' | 'regions' | 'vectors'>;

/** A text that is read at a timestep and at smaller ones. */
export interface LaterText extends FromPrompt {
  from: number;
}

/** The condition at a timestep. */
export function conditionAt(condition: Condition, timestep: number): Condition {
  const now = condition.later?.findLast(({ from }) => timestep <= from);
  if (!now) return condition;
  const { from: _, ...applied } = now;
  return { ...condition, ...applied };
}

/** Pictures as prompts, encoded (IP-Adapter). */
export interface Reference {
  /** [B, n, C]; the values are the same times the strength. */
  keys: Tensor;
  values: Tensor;
  /** [1, 1, h, w] by level: how much of it each position sees. All of it if absent. */
  masks?: Readonly<Record<number, Tensor>>;
}

/**
 * The timesteps in which a guide acts, given the shares of the steps between which it does: step i of n is among them
 * if i / n ≥ begin and (i + 1) / n ≤ end (diffusers).
 */
export function actingTimesteps(
  timesteps: readonly number[],
  begin: number,
  end: number,
): Pick<Guide, 'from' | 'to'> {
  const count = timesteps.length;
  const acting = timesteps.filter((_, i) => i / count >= begin && (i + 1) / count <= end);
  return { from: acting[0] ?? Number.NEGATIVE_INFINITY, to: acting.at(-1) ?? Number.POSITIVE_INFINITY };
}

/** Images in one run of the network. */
export function batchOf(condition: Condition): number {
  return condition.text.dims[0]!;
}

/** Sizes of the images that a denoiser reads beside its own. */
export function imageSizes({ images = [] }: Condition): { height: number; width: number }[] {
  return images.map(({ dims: [, height = 1, width = 1] }) => ({ height, width }));
}

/** Positions of all of these images. An edit does not compute them. */
export function imageArea(sizes: readonly { height: number; width: number }[]): number {
  return sizes.reduce((sum, { height, width }) => sum + height * width, 0);
}

/** negative + scale · (positive − negative), from the concatenated outputs of both branches. */
export function guide(output: Float32Array, condition: Condition): Float32Array {
  if (batchOf(condition) === 1) return output;
  const half = output.length / 2;
  const guided = new Float32Array(half);
  for (let i = 0; i < half; i++) {
    const negative = output[half + i]!;
    guided[i] = negative + condition.guidance * (output[i]! - negative);
  }
  return guided;
}

/** Condition of one branch of guidance: 0 is the prompt's, 1 the negative prompt's; undefined keeps both. */
export function branchOf(condition: Condition, branch: number | undefined): Condition {
  if (branch === undefined) return condition;
  const batch = batchOf(condition);
  const part = (tensor: Tensor): Tensor => {
    if (tensor.dims[0] !== batch) return tensor;
    const length = tensor.data.length / batch;
    const data = tensor.data.slice(branch * length, (branch + 1) * length);
    return { ...tensor, data, dims: [1, ...tensor.dims.slice(1)] } as Tensor;
  };
  const textOf = ({ text, textMask: mask, regions, vectors = {} }: FromPrompt) => ({
    text: part(text),
    ...(regions && { regions: regions.map(part) }),
    ...(mask && { textMask: part(mask) }),
    vectors: Object.fromEntries(Object.entries(vectors).map(([role, tensor]) => [role, part(tensor)])),
  });
  const later = condition.later?.map((text) => ({ ...text, ...textOf(text) }));
  const references = condition.references?.map((one) => ({
    ...one,
    keys: part(one.keys),
    values: part(one.values),
  }));
  return {
    ...condition,
    ...textOf(condition),
    guidance: 1,
    ...(later && { later }),
    ...(references && { references }),
    ...(condition.controls && branch > 0 && { controls: withoutGuesses(condition.controls) }),
  };
}

/** Guides of a branch that guess mode leaves alone. */
function withoutGuesses({ hints, features }: NonNullable<Condition['controls']>) {
  return { features, hints: hints.map((hint) => (hint.guess ? { ...hint, strength: 0 } : hint)) };
}
