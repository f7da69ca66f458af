/** A denoiser's condition on the bus: what it consists of in JSON, and its numbers behind it, in the same order. */
import * as z from 'zod';
import {
  type Condition,
  type Guide,
  type LaterText,
  type Reference,
  VECTOR_ROLES,
  type VectorRole,
} from '../../engine/execution/condition.ts';
import { float32, int64, type Tensor } from '../../engine/graph/tensor.ts';
import { LIMITS } from '../../shared/limits.ts';

/** Pixels along one side of a latent position, in the models with the largest latents. */
const LEAST_SCALE = 4;
/** Latent positions along one side, and channels of latents; a worker knows its model's own bounds. */
export const MAX_SIDE = LIMITS.size.max / LEAST_SCALE;
export const MAX_CHANNELS = 64;
const MAX_TOKENS = 4096;
const MAX_WIDTH = 1 << 16;
/** Levels of a network. */
export const MAX_LEVELS = 8;

export const count = (most: number) => z.number().int().min(0).max(most);
const strength = z.number().min(0).max(LIMITS.controlStrength.max);

const rowsSchema = z.object({ dims: z.tuple([count(2), count(MAX_TOKENS), count(MAX_WIDTH)]) });
/** Planes at latent size. */
const planesSchema = z.object({
  dims: z.tuple([count(MAX_CHANNELS), count(MAX_SIDE), count(MAX_SIDE)]),
});
/** A map of a level. */
const mapSchema = z.object({
  dims: z.tuple([z.literal(1), count(MAX_WIDTH), count(MAX_SIDE), count(MAX_SIDE)]),
});

/** A map of one channel at several levels. */
const levelsSchema = z.array(mapSchema.extend({ level: count(MAX_LEVELS) })).max(MAX_LEVELS);

/** What comes from a prompt: text, vectors by role, which tokens are read, a byte each, and the texts of regions. */
const promptSchema = z.object({
  text: rowsSchema,
  vectors: z
    .array(z.object({ name: z.enum(VECTOR_ROLES), dims: z.tuple([count(2), count(MAX_WIDTH)]) }))
    .max(VECTOR_ROLES.length),
  mask: z.object({ dims: z.tuple([count(2), count(MAX_TOKENS)]) }).optional(),
  regions: z.array(rowsSchema).max(LIMITS.regions).optional(),
});

const guideSchema = z.object({
  maps: z.array(mapSchema).max(MAX_LEVELS),
  strength,
  /** The timesteps between which it acts; absent if in none. */
  acts: z.object({ from: z.number(), to: z.number() }).optional(),
  guess: z.boolean().optional(),
});

const referenceSchema = z.object({
  keys: rowsSchema,
  values: rowsSchema,
  masks: levelsSchema.optional(),
});

export const conditionSchema = promptSchema.extend({
  guidance: z.number(),
  planes: planesSchema.optional(),
  images: z.array(planesSchema).max(LIMITS.references).optional(),
  controls: z
    .object({
      hints: z.array(guideSchema).max(LIMITS.controls),
      features: z.array(guideSchema).max(LIMITS.controls),
    })
    .optional(),
  references: z.array(referenceSchema).max(LIMITS.references).optional(),
  /** Of the prompt, then of the regions. */
  shares: z
    .array(levelsSchema)
    .max(LIMITS.regions + 1)
    .optional(),
  later: z
    .array(promptSchema.extend({ from: z.number() }))
    .max(LIMITS.steps.max)
    .optional(),
});

type PromptHead = z.infer<typeof promptSchema>;
type GuideHead = z.infer<typeof guideSchema>;
type ReferenceHead = z.infer<typeof referenceSchema>;
type ConditionHead = z.infer<typeof conditionSchema>;
type LevelsHead = z.infer<typeof levelsSchema>;
type FromPrompt = Pick<LaterText, 'text' | 'textMask' | 'regions' | 'vectors'>;

/** Describes a condition, and appends its numbers to `body`. */
export function packCondition(condition: Condition, body: Uint8Array[]): ConditionHead {
  // The shapes of a denoiser's own tensors fit; the receiver checks them.
  const sent = ({ data, dims }: Tensor): { dims: never } => {
    body.push(data instanceof BigInt64Array ? Uint8Array.from(data, Number) : bytesIn(data as Float32Array));
    return { dims: [...dims] as never };
  };
  const prompt = ({ text, vectors = {}, textMask, regions }: FromPrompt): PromptHead => ({
    text: sent(text),
    vectors: Object.entries(vectors).map(([name, vector]) => ({ name: name as VectorRole, ...sent(vector) })),
    ...(textMask && { mask: sent(textMask) }),
    ...(regions && { regions: regions.map(sent) }),
  });
  const guide = ({ maps, strength, from, to, guess }: Guide): GuideHead => ({
    maps: maps.map(sent),
    strength,
    ...(Number.isFinite(from) && Number.isFinite(to) && { acts: { from, to } }),
    ...(guess && { guess }),
  });
  const levels = (maps: Readonly<Record<number, Tensor>>): LevelsHead =>
    Object.entries(maps).map(([level, map]) => ({ level: Number(level), ...sent(map) }));
  const reference = ({ keys, values, masks }: Reference): ReferenceHead => ({
    keys: sent(keys),
    values: sent(values),
    ...(masks && { masks: levels(masks) }),
  });
  const { guidance, planes, images, controls, references, shares, later } = condition;
  return {
    guidance,
    ...prompt(condition),
    ...(planes && { planes: sent(planes) }),
    ...(images && { images: images.map(sent) }),
    ...(controls && {
      controls: { hints: controls.hints.map(guide), features: controls.features.map(guide) },
    }),
    ...(references && { references: references.map(reference) }),
    ...(shares && { shares: shares.map(levels) }),
    ...(later && { later: later.map((text) => ({ from: text.from, ...prompt(text) })) }),
  };
}

/** The condition of a checked head; `bytes` takes the next ones of the body. */
export function unpackCondition(head: ConditionHead, bytes: (length: number) => Uint8Array): Condition {
  const tensor = ({ dims }: { dims: readonly number[] }): Tensor =>
    float32(numbersIn(bytes(4 * dims.reduce((a, b) => a * b, 1))), [...dims]);
  const prompt = ({ text, vectors, mask, regions }: PromptHead): FromPrompt => ({
    text: tensor(text),
    vectors: Object.fromEntries(vectors.map((vector) => [vector.name, tensor(vector)])),
    ...(mask && { textMask: maskOf(bytes(mask.dims[0] * mask.dims[1]), mask.dims) }),
    ...(regions && { regions: regions.map(tensor) }),
  });
  const guide = ({ maps, strength, acts, guess }: GuideHead): Guide => ({
    maps: maps.map(tensor),
    strength,
    ...(acts ?? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }),
    ...(guess && { guess }),
  });
  const levels = (maps: LevelsHead): Record<number, Tensor> =>
    Object.fromEntries(maps.map((map) => [map.level, tensor(map)]));
  const reference = ({ keys, values, masks }: ReferenceHead): Reference => ({
    keys: tensor(keys),
    values: tensor(values),
    ...(masks && { masks: levels(masks) }),
  });
  const { guidance, planes, images, controls, references, shares, later } = head;
  return {
    guidance,
    ...prompt(head),
    ...(planes && { planes: tensor(planes) }),
    ...(images && { images: images.map(tensor) }),
    ...(controls && {
      controls: { hints: controls.hints.map(guide), features: controls.features.map(guide) },
    }),
    ...(references && { references: references.map(reference) }),
    ...(shares && { shares: shares.map(levels) }),
    ...(later && { later: later.map((text) => ({ from: text.from, ...prompt(text) })) }),
  };
}

function maskOf(bytes: Uint8Array, dims: readonly number[]): Tensor {
  return int64(
    BigInt64Array.from(bytes, (byte) => (byte ? 1n : 0n)),
    [...dims],
  );
}

/** The float32 numbers in bytes, which need not be aligned. */
export function numbersIn(bytes: Uint8Array): Float32Array {
  // A copy of its own: the slice of a Buffer would be of the memory that it is part of.
  return new Float32Array(
    new Uint8Array(bytes.subarray(0, bytes.byteLength - (bytes.byteLength % 4))).buffer,
  );
}

export function bytesIn(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
