import * as z from 'zod';
import { PATCH_MODES } from '../../engine/execution/bands/band-of.ts';
import { type Condition, VECTOR_ROLES } from '../../engine/execution/condition.ts';
import { float32, int64, type Tensor } from '../../engine/graph/tensor.ts';
import type { Job, StepAnswer, StepCall } from '../../engine/parallel/job.ts';
import { CODINGS, PRECISIONS } from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Parcel } from './parcels.ts';

/** Protocol version; increment on any wire change. */
export const PROTOCOL = 4;
/** The service by which workers are found. */
export const SERVICE = 'patchwork-worker';

/** Pixels along one side of a latent position, in the models with the largest latents. */
const LEAST_SCALE = 4;
/** Latent positions along one side, and channels; a worker knows its model's own bounds. */
const MAX_SIDE = LIMITS.size.max / LEAST_SCALE;
const MAX_CHANNELS = 64;
const MAX_TOKENS = 4096;
const MAX_WIDTH = 1 << 16;
/** Largest number of positions that an edit computes around its mask. */
const MAX_RING = 64;
/** Most bytes of a call to a worker, or of its answer: text, or a sample. */
export const MAX_CALL_BYTES = 256 << 20;
/** Most bytes of the features that one band sends in a step. */
export const MAX_MAIL_BYTES = 2 ** 31 - 1;

/** Job ids are parts of subjects and names of folders. */
const jobId = z.string().regex(/^[\w-]{1,80}$/);
const count = (most: number) => z.number().int().min(0).max(most);

const tensorSchema = z.object({
  name: z.string().max(64),
  dims: z.tuple([count(2), count(MAX_TOKENS), count(MAX_WIDTH)]).or(z.tuple([count(2), count(MAX_WIDTH)])),
});
const bandsSchema = z
  .object({
    height: count(MAX_SIDE).min(1),
    width: count(MAX_SIDE).min(1),
    axis: z.enum(['x', 'y']),
    edges: z
      .array(z.array(count(MAX_SIDE)).min(2).max(129))
      .min(1)
      .max(8),
  })
  .refine(({ edges, axis, height, width }) =>
    edges.every((cuts, level) => {
      const size = Math.ceil((axis === 'y' ? height : width) / 2 ** level);
      const rising = cuts.every((cut, i) => i === 0 || cut > cuts[i - 1]!);
      return cuts.length === edges[0]!.length && cuts[0] === 0 && cuts.at(-1) === size && rising;
    }),
  );

/** Planes at latent size. */
const planesSchema = z.object({
  dims: z.tuple([count(MAX_CHANNELS), count(MAX_SIDE), count(MAX_SIDE)]),
});

/** A condition: its text, then its vectors by role, its planes, the images that are read beside its own, and the text's mask. */
const tensorsSchema = z.object({
  guidance: z.number(),
  text: tensorSchema,
  vectors: z.array(tensorSchema.extend({ name: z.enum(VECTOR_ROLES) })).max(VECTOR_ROLES.length),
  /** Which tokens are read, a byte each. */
  mask: z.object({ dims: z.tuple([count(2), count(MAX_TOKENS)]) }).optional(),
  planes: planesSchema.optional(),
  images: z.array(planesSchema).max(LIMITS.references).optional(),
});

/** The name of a picture whose features a worker keeps. */
const pictureName = z.string().min(1).max(128);

export const beginSchema = z
  .object({
    call: z.literal('begin'),
    job: jobId,
    /** Content hash of the model. */
    model: z.string().max(128),
    precision: z.enum(PRECISIONS),
    channels: count(MAX_CHANNELS).min(1),
    bands: bandsSchema,
    index: count(128),
    mode: z.enum(PATCH_MODES),
    coding: z.enum(CODINGS),
    shallow: z.boolean().optional(),
    condition: tensorsSchema,
    /** An edit's mask follows the tensors, a byte a position. */
    edit: z.object({ picture: pictureName, condition: tensorsSchema, ring: count(MAX_RING) }).optional(),
  })
  .refine(({ index, bands }) => index < (bands.edges[0]?.length ?? 0) - 1);

export const stepSchema = z.object({
  call: z.literal('step'),
  job: jobId,
  step: count(100_000),
  timestep: z.number(),
  kind: z.enum(['dense', 'band']),
  shallow: z.boolean().optional(),
  /** Whether the edit's sample is followed by that of the original image's trajectory. */
  own: z.boolean(),
});

export const keepSchema = z.object({ call: z.literal('keep'), job: jobId, picture: pictureName });
export const endSchema = z.object({ call: z.literal('end'), job: jobId });
export const againSchema = z.object({ job: jobId, step: count(100_000), from: count(128) });
export const mailSchema = z.object({
  job: jobId,
  step: count(100_000),
  from: count(128),
  /** Sizes of the messages in the body, in order: one for all bands, then those for single bands. */
  files: z
    .array(z.object({ to: z.union([z.literal('all'), count(128)]), bytes: count(MAX_MAIL_BYTES) }))
    .max(130),
});

const secondsSchema = z.number().min(0).max(1e6);
const bytesSchema = count(Number.MAX_SAFE_INTEGER);
/** Why a call has failed. */
export const failureSchema = z.strictObject({ error: z.string().max(2000), lost: z.boolean() });
export const ANSWERS = {
  begin: z.strictObject({ begun: secondsSchema }),
  step: z.strictObject({
    runSeconds: secondsSchema,
    seconds: secondsSchema,
    sentBytes: bytesSchema,
    receivedBytes: bytesSchema,
    recordSeconds: secondsSchema,
  }),
  keep: z.strictObject({ kept: z.literal(true) }),
  end: z.strictObject({ ended: z.literal(true) }),
};
/** An answer, or a sign that a call has arrived and is being worked on. */
export const answeredSchema = z.union([
  z.strictObject({ ask: z.string().max(64), working: z.literal(true) }),
  z.object({ ask: z.string().max(64), answer: z.unknown() }),
]);

type BeginHead = z.infer<typeof beginSchema>;
type TensorsHead = z.infer<typeof tensorsSchema>;

/** A job as a parcel; `model` is its content hash. */
export function packJob(job: Job, model: string): Parcel {
  const { id, precision, channels, bands, index, mode, coding, shallow, condition, edit } = job;
  const common = { job: id, model, precision, channels, bands, index, mode, coding, shallow };
  const head = {
    call: 'begin' as const,
    ...common,
    condition: describe(condition),
    ...(edit && {
      edit: { picture: edit.picture, condition: describe(edit.condition), ring: edit.ring },
    }),
  };
  const body = [condition, ...(edit ? [edit.condition] : [])].flatMap(bytesOf);
  return { head, body: Buffer.concat([...body, ...(edit ? [edit.mask.data] : [])]) };
}

/** The job of a checked head, for the worker's own model. @throws if the body is not what the head says. */
export function unpackJob(
  head: BeginHead,
  body: Uint8Array,
  { id: model, version }: { id: string; version: string },
): Job {
  const { job, precision, channels, bands, index, mode, coding, shallow, condition, edit } = head;
  let at = 0;
  const bytes = (length: number) => {
    const taken = body.subarray(at, at + length);
    if (taken.byteLength !== length) throw new Error('a job came incomplete');
    at += length;
    return taken;
  };
  const tensor = ({ dims }: { dims: number[] }): Tensor =>
    float32(numbersIn(bytes(4 * dims.reduce((a, b) => a * b, 1))), dims);
  const conditionIn = ({ guidance, text, vectors, planes, images, mask }: TensorsHead): Condition => ({
    text: tensor(text),
    guidance,
    vectors: Object.fromEntries(vectors.map((described) => [described.name, tensor(described)])),
    ...(planes && { planes: tensor(planes) }),
    ...(images && { images: images.map(tensor) }),
    ...(mask && { textMask: maskOf(bytes(mask.dims[0] * mask.dims[1]), mask.dims) }),
  });
  const common = { id: job, model, version, precision, channels, bands, index, mode, coding, shallow };
  const unpacked: Job = { ...common, condition: conditionIn(condition) };
  if (edit) {
    const { picture, ring } = edit;
    const own = conditionIn(edit.condition);
    const { height, width } = bands;
    const data = bytes(height * width).map((value) => (value ? 1 : 0));
    unpacked.edit = { picture, ring, condition: own, mask: { height, width, data } };
  }
  if (at !== body.byteLength) throw new Error('a job came with more than it says');
  return unpacked;
}

/** The bytes of a condition's tensors, and of its mask, in the order in which they travel. */
function bytesOf({ text, vectors = {}, planes, images = [], textMask }: Condition): Uint8Array[] {
  const tensors = [text, ...Object.values(vectors), ...(planes ? [planes] : []), ...images];
  const mask = textMask ? [Uint8Array.from(textMask.data as BigInt64Array, Number)] : [];
  return [...tensors.map(({ data }) => bytesIn(data as Float32Array)), ...mask];
}

function maskOf(bytes: Uint8Array, dims: readonly number[]): Tensor {
  return int64(
    BigInt64Array.from(bytes, (byte) => (byte ? 1n : 0n)),
    [...dims],
  );
}

function describe({ guidance, text, vectors = {}, planes, images, textMask: mask }: Condition): TensorsHead {
  const described = (name: string, { dims }: Tensor) => ({ name, dims: [...dims] });
  return {
    guidance,
    text: described('text', text),
    vectors: Object.entries(vectors).map(([role, tensor]) => described(role, tensor)),
    ...(planes && { planes: { dims: [...planes.dims] } }),
    ...(images && { images: images.map(({ dims }) => ({ dims: [...dims] })) }),
    ...(mask && { mask: { dims: [...mask.dims] } }),
  } as TensorsHead;
}

export function packStep({ sample, own, ...call }: StepCall): Parcel {
  const body = own ? Buffer.concat([bytesIn(sample), bytesIn(own)]) : bytesIn(sample);
  return { head: { call: 'step', ...call, own: own !== undefined }, body };
}

/** The step of a checked head, for a sample of this many numbers. @throws if the body is not what the head says. */
export function unpackStep(
  { call: _, own, ...head }: z.infer<typeof stepSchema>,
  body: Uint8Array,
  length: number,
): StepCall {
  const numbers = numbersIn(body);
  if (body.byteLength !== 4 * length * (own ? 2 : 1)) throw new Error('a step came with another sample');
  return {
    ...head,
    sample: numbers.subarray(0, length),
    ...(own && { own: numbers.subarray(length) }),
  };
}

export function packAnswer({ output, ...figures }: StepAnswer): Parcel {
  return { head: figures, body: bytesIn(output) };
}

/** The float32 numbers in bytes, which need not be aligned. */
export function numbersIn(bytes: Uint8Array): Float32Array {
  // A copy of its own: the slice of a Buffer would be of the memory that it is part of.
  return new Float32Array(
    new Uint8Array(bytes.subarray(0, bytes.byteLength - (bytes.byteLength % 4))).buffer,
  );
}

function bytesIn(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
