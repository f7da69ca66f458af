import * as z from 'zod';
import { InputError } from '../../engine/errors.ts';
import { ATTENTIONS, type BenchmarkReport, PRECISIONS } from '../../shared/api.ts';
import { plainText } from '../../shared/plainText.ts';

/** Bytes of a file of one run; a profiled one has some kilobytes a row. */
const MAX_BYTES = 8 << 20;

/** Names in a file from elsewhere end up in tables, messages and documents. */
const text = z
  .string()
  .max(1000)
  .transform((value) => plainText(value));
const count = z.number().nonnegative();
const counts = z.record(text, z.number());
/** What one worker has done; see `WorkerReport`. */
export const workerPart = z.object({
  name: text,
  branch: count.nullable(),
  axis: z.enum(['x', 'y']),
  from: count,
  to: count,
  stepMacs: count,
  macs: count,
  // Reports of earlier versions lack these two.
  runSeconds: count.default(0),
  seconds: count.default(0),
  sentBytes: count,
  receivedBytes: count,
});
const rows = z.object({
  case: text,
  mask: text.nullable(),
  mode: z.enum(['dense', 'sparse']),
  precision: z.enum(PRECISIONS),
  workers: count,
  network: text.optional(),
  macs: z.number().positive(),
  macsByKind: counts,
  macsByLevel: counts,
  activeFraction: z.array(count),
  loadSeconds: count,
  warmUpSeconds: count,
  seconds: z.array(count),
  medianSeconds: z.number().positive(),
  minSeconds: count,
  maxSeconds: count,
  stepSeconds: z.array(count),
  storeBytes: count,
  peakBytes: count,
  speedup: count,
  psnr: z.number().nullable(),
  psnrWhole: z.number().nullable(),
  // Reports of earlier versions lack these two, and `guidance`.
  ssim: z.number().nullable().default(null),
  diskBytes: count.nullable().default(null),
  picture: text.nullable(),
  attention: z.enum(ATTENTIONS).optional(),
  parts: z.array(workerPart).max(1000).optional(),
  operators: z.array(
    z.object({ operator: text, calls: count, seconds: count, onProcessor: z.literal(true).optional() }),
  ),
});
export const reportSchema = z.object({
  date: z.iso.datetime(),
  model: text,
  width: count,
  height: count,
  steps: count.nullable(),
  guidance: z.boolean().nullable().default(true),
  repeat: count,
  threads: count,
  isolated: z.boolean(),
  machine: z.object({
    processor: text,
    cores: count,
    memoryBytes: count,
    device: text.optional(),
    platform: text,
    versions: z.object({ patchwork: text, node: text.optional(), onnxruntime: text }),
  }),
  rows: z.array(rows).min(1).max(1000),
  layers: z
    .array(z.object({ layer: text, precision: z.enum(PRECISIONS), psnr: z.number(), kept: z.boolean() }))
    .default([]),
});

/**
 * A run from the JSON that `patchwork bench` prints and the panel exports. Its pictures are not in it.
 * @throws InputError naming the file
 */
export function readReport(bytes: Uint8Array, name: string): BenchmarkReport {
  const refuse = (why: string) => new InputError(`${name} is not a Patchwork benchmark file (${why}).`);
  if (bytes.length > MAX_BYTES) throw refuse('it is too large');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new InputError(`${name} is not valid JSON.`);
  }
  if (Array.isArray(json)) throw refuse('it holds several runs; export them one by one');
  const parsed = reportSchema.safeParse(json);
  if (!parsed.success) throw refuse(`“${parsed.error.issues[0]!.path.join('.')}” is missing or invalid`);
  return { ...parsed.data, rows: parsed.data.rows.map((row) => ({ ...row, picture: null })) };
}
