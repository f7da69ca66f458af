import * as z from 'zod';
import { InputError } from '../../engine/errors.ts';
import { PATCH_MODES } from '../../engine/execution/bands/band-of.ts';
import type { ModelAdditions } from '../../engine/models/additions.ts';
import type { Job, StepAnswer, StepCall } from '../../engine/parallel/job.ts';
import { PRECISIONS } from '../../shared/api.ts';
import { CODINGS } from '../../shared/codings.ts';
import { LIMITS } from '../../shared/limits.ts';
import { formatBytes } from '../../shared/units.ts';
import {
  bytesIn,
  conditionSchema,
  count,
  MAX_CHANNELS,
  MAX_LEVELS,
  MAX_SIDE,
  numbersIn,
  packCondition,
  unpackCondition,
} from './condition-wire.ts';
import type { Parcel } from './parcels.ts';

/** Protocol version; increment on any wire change. */
export const PROTOCOL = 5;
/** The service by which workers are found. */
export const SERVICE = 'patchwork-worker';

/** Largest number of positions that an edit computes around its mask. */
const MAX_RING = 64;
/** Most bytes of a call to a worker, or of its answer: text, or a sample. */
export const MAX_CALL_BYTES = 256 << 20;
/** Most bytes of the features that one band sends in a step. */
export const MAX_MAIL_BYTES = 2 ** 31 - 1;

/** Job ids are parts of subjects and names of folders. */
const jobId = z.string().regex(/^[\w-]{1,80}$/);
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

/** A file of a worker, by its content. */
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What is added to a denoiser: by content, what workers need the files of. */
const additionsSchema = z.object({
  loras: z
    .array(z.object({ hash, strength: z.number().min(LIMITS.loraStrength.min).max(LIMITS.loraStrength.max) }))
    .max(LIMITS.loras),
  /** ControlNets, in the order of the condition's hints. */
  controls: z.array(hash).max(LIMITS.controls),
  /** Features of T2I-Adapters, which are computed already. */
  features: count(MAX_LEVELS),
  /** Number of prompts for regions. */
  regions: count(LIMITS.regions).optional(),
  /** An IP-Adapter, and the groups in which pictures are attended to. */
  references: z
    .object({ hash, groups: z.array(z.object({ masked: z.boolean() })).max(LIMITS.references) })
    .optional(),
});
export type SentAdditions = z.infer<typeof additionsSchema>;

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
    additions: additionsSchema.optional(),
    condition: conditionSchema,
    /** An edit's mask follows the tensors, a byte a position. */
    edit: z.object({ picture: pictureName, condition: conditionSchema, ring: count(MAX_RING) }).optional(),
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

/**
 * A job as a parcel.
 * @param model its content hash
 * @throws InputError if it is larger than a call may be
 */
export function packJob(job: Job, model: string, additions?: SentAdditions): Parcel {
  const { id, precision, channels, bands, index, mode, coding, shallow, condition, edit } = job;
  const common = { job: id, model, precision, channels, bands, index, mode, coding, shallow };
  const body: Uint8Array[] = [];
  const head = {
    call: 'begin' as const,
    ...common,
    ...(additions && { additions }),
    condition: packCondition(condition, body),
    ...(edit && {
      edit: { picture: edit.picture, condition: packCondition(edit.condition, body), ring: edit.ring },
    }),
  };
  if (edit) body.push(edit.mask.data);
  const bytes = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > MAX_CALL_BYTES)
    throw new InputError(
      `What steers this image takes ${formatBytes(bytes)}, and at most ${formatBytes(MAX_CALL_BYTES)} are sent to a worker: use fewer control images, or a smaller size.`,
    );
  return { head, body: Buffer.concat(body) };
}

/** The job of a checked head, for the worker's own model. @throws if the body is not what the head says. */
export function unpackJob(
  head: BeginHead,
  body: Uint8Array,
  { id: model, version, additions }: { id: string; version: string; additions?: ModelAdditions | undefined },
): Job {
  const { job, precision, channels, bands, index, mode, coding, shallow, condition, edit } = head;
  let at = 0;
  const bytes = (length: number) => {
    const taken = body.subarray(at, at + length);
    if (taken.byteLength !== length) throw new Error('a job came incomplete');
    at += length;
    return taken;
  };
  const common = { id: job, model, version, precision, channels, bands, index, mode, coding, shallow };
  const unpacked: Job = {
    ...common,
    ...(additions && { additions }),
    condition: unpackCondition(condition, bytes),
  };
  if (edit) {
    const { picture, ring } = edit;
    const own = unpackCondition(edit.condition, bytes);
    const { height, width } = bands;
    const data = bytes(height * width).map((value) => (value ? 1 : 0));
    unpacked.edit = { picture, ring, condition: own, mask: { height, width, data } };
  }
  if (at !== body.byteLength) throw new Error('a job came with more than it says');
  return unpacked;
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
