import * as z from 'zod';
import { CODINGS, PRECISIONS } from '../../../api.ts';
import { PATCH_MODES } from '../../../parallel/band-unet.ts';
import type { Job, StepAnswer, StepCall } from '../../../parallel/job.ts';
import { float32, type Tensor } from '../../../runtime/runtime.ts';
import type { Parcel } from './parcels.ts';

/** Rises with every change of what is said on the bus. */
export const PROTOCOL = 1;
/** The service by which workers are found. */
export const SERVICE = 'patchwork-worker';

/** Latent positions along one side, and channels. */
const MAX_SIDE = 1024;
const MAX_CHANNELS = 64;
const MAX_TOKENS = 4096;
const MAX_WIDTH = 1 << 16;
/** Bytes of a call to a worker, or its answer: text, or a sample. */
export const MAX_CALL_BYTES = 256 << 20;
/** Bytes of the features that one band gives in a step. */
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
    guidance: z.number(),
    text: tensorSchema,
    extra: z.array(tensorSchema).max(8),
  })
  .refine(({ index, bands }) => index < bands.edges[0]!.length - 1);

export const stepSchema = z.object({
  call: z.literal('step'),
  job: jobId,
  step: count(100_000),
  timestep: z.number(),
  kind: z.enum(['dense', 'band']),
});

export const endSchema = z.object({ call: z.literal('end'), job: jobId });
export const againSchema = z.object({ job: jobId, step: count(100_000), from: count(128) });
export const mailSchema = z.object({
  job: jobId,
  step: count(100_000),
  from: count(128),
  /** Sizes of what follows one after another: for all, then for some bands alone. */
  files: z
    .array(z.object({ to: z.union([z.literal('all'), count(128)]), bytes: count(MAX_MAIL_BYTES) }))
    .max(130),
});

const secondsSchema = z.number().min(0);
export const answerSchema = z.union([
  z.object({ error: z.string().max(2000), lost: z.boolean() }),
  z.object({ begun: secondsSchema }),
  z.object({
    runSeconds: secondsSchema,
    seconds: secondsSchema,
    sentBytes: secondsSchema,
    receivedBytes: secondsSchema,
  }),
  z.object({ ended: z.literal(true) }),
]);

type BeginHead = z.infer<typeof beginSchema>;

/** A job as a parcel; `model` is its content hash. */
export function packJob(job: Job, model: string): Parcel {
  const { id, precision, channels, bands, index, mode, coding, condition } = job;
  const extra = Object.entries(condition.extra ?? {});
  const tensors = [['text', condition.text] as const, ...extra];
  const described = tensors.map(([name, { dims }]) => ({ name, dims: [...dims] }));
  const [text, ...others] = described;
  const head = {
    call: 'begin' as const,
    job: id,
    model,
    precision,
    channels,
    bands,
    index,
    mode,
    coding,
    guidance: condition.guidance,
    text,
    extra: others,
  };
  return { head, body: joined(tensors.map(([, { data }]) => data as Float32Array)) };
}

/** The job of a checked head; `model` is the worker's own. @throws if the body is not what the head says. */
export function unpackJob(head: BeginHead, body: Uint8Array, model: string): Job {
  const { job, precision, channels, bands, index, mode, coding, guidance, text, extra } = head;
  let at = 0;
  const take = ({ dims }: { dims: number[] }): Tensor => {
    const length = dims.reduce((a, b) => a * b, 1);
    const data = numbersIn(body.subarray(at, at + 4 * length));
    if (data.length !== length) throw new Error('a job came incomplete');
    at += 4 * length;
    return float32(data, dims);
  };
  const condition = {
    text: take(text),
    guidance,
    extra: Object.fromEntries(extra.map((tensor) => [tensor.name, take(tensor)])),
  };
  if (at !== body.byteLength) throw new Error('a job came with more than it says');
  return { id: job, model, precision, channels, bands, index, mode, coding, condition };
}

export function packStep({ sample, ...call }: StepCall): Parcel {
  return { head: { call: 'step', ...call }, body: bytesIn(sample) };
}

export function packAnswer({ output, ...figures }: StepAnswer): Parcel {
  return { head: figures, body: bytesIn(output) };
}

/** The float32 numbers of bytes, which may lie anywhere. */
export function numbersIn(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice(0, bytes.byteLength - (bytes.byteLength % 4)).buffer);
}

function bytesIn(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function joined(arrays: readonly Float32Array[]): Uint8Array {
  return Buffer.concat(arrays.map(bytesIn));
}
