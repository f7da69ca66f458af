/** What `patchwork bench --json` prints, as the reader of such files checks it. New figures are defined only here. */
import * as z from 'zod';
import { ATTENTIONS, PRECISIONS } from '../arithmetic.ts';
import { DEVICE_IDS } from '../devices.ts';
import { plainText } from '../plainText.ts';

/** Names in a file from elsewhere are shown in tables, messages and documents. */
const text = z
  .string()
  .max(1000)
  .transform((value) => plainText(value));
const count = z.number().nonnegative();
const counts = z.record(text, z.number());

/** What one worker has computed of an image. */
export const workerReportSchema = z.object({
  name: text,
  /** Branch of guidance: 0 the prompt's, 1 the negative prompt's; null: both, or there is only one. */
  branch: count.nullable(),
  /** The band's place along the axis, in latent positions. */
  axis: z.enum(['x', 'y']),
  from: count,
  to: count,
  /** Multiply–accumulates of its last step, and of all steps. */
  stepMacs: count,
  macs: count,
  /**
   * Wall time of its last step: in the network, and in all, exchanging features included. Reports of earlier versions
   * lack both.
   */
  runSeconds: count.default(0),
  seconds: count.default(0),
  /** Bytes that the last step exchanged with other workers. */
  sentBytes: count,
  receivedBytes: count,
});

/** Kernels of one kind in one run. */
const operatorTime = z.object({
  /** ONNX's name, e.g. `Conv`. */
  operator: text,
  calls: count,
  /** On the device, where it reports them; else those of the processor, which on a GPU hands the work over. */
  seconds: count,
  /** Runs on the processor, though the network runs on a GPU. */
  onProcessor: z.literal(true).optional(),
  /** Bytes that it copies between main memory and a GPU. */
  copiedBytes: count.optional(),
});

/** The fields that distinguish one row from the others. */
const rowIdentity = z.object({
  case: text,
  /** The mask's name, for a case that takes one. */
  mask: text.nullable(),
  mode: z.enum(['dense', 'sparse']),
  precision: z.enum(PRECISIONS),
  /** `full` if absent. */
  attention: z.enum(ATTENTIONS).optional(),
  workers: count,
  /** The network that the case runs, if it is not the report's model. */
  network: text.optional(),
  /** The device, if the cases ran on several. */
  device: z.enum(DEVICE_IDS).optional(),
});

const timing = z.object({
  /** The first run, which is not counted. */
  warmUpSeconds: count,
  /** Each timed run. */
  seconds: z.array(count),
  medianSeconds: z.number().positive(),
  minSeconds: count,
  maxSeconds: count,
});

/** One case's figures. `table.ts` has a column for most of them. */
const row = z.object({
  ...rowIdentity.shape,
  ...timing.shape,
  macs: z.number().positive(),
  /** The U-Net's by kind of operator; `other networks` is the rest of a whole image. */
  macsByKind: counts,
  /** The U-Net's by level from the finest, `none` for operators without positions. */
  macsByLevel: counts,
  /** Share of the positions that are computed, level by level; empty if all are. */
  activeFraction: z.array(count),
  loadSeconds: count,
  /** Median time of each denoising step of a whole image. */
  stepSeconds: z.array(count),
  /** Bytes of recorded features. */
  storeBytes: count,
  /** Planned bytes of a GPU's memory for a U-Net run: weights, and the values that are held at once. */
  deviceBytes: count.optional(),
  /** Bytes that one run copies between main memory and a GPU, from the profile. */
  copiedBytes: count.optional(),
  /** Bytes on disk of the weights that the U-Net reads; null for whole images, and in reports of earlier versions. */
  diskBytes: count.nullable().default(null),
  /**
   * Most memory that the process has held, in bytes. With `isolated` it is a process that ran this case only, its own
   * preparation and recording included; otherwise one that ran all cases together, up to the end of the run.
   */
  peakBytes: count,
  /** Median time of the first row of the same network over this one's. */
  speedup: count,
  /**
   * Against the dense float32 result on the same input, in dB: under the mask if there is one. Null without such a
   * result, and if nothing differs.
   */
  psnr: z.number().nullable(),
  /** The same over the whole image. */
  psnrWhole: z.number().nullable(),
  /**
   * Structural similarity of whole images, −1 … 1 (Wang et al., 2004); null if psnr is, for U-Net runs, and in
   * reports of earlier versions.
   */
  ssim: z.number().nullable().default(null),
  /** Name of a whole image among the result's pictures. */
  picture: text.nullable(),
  /** What each worker did, in a run that several shared. */
  parts: z.array(workerReportSchema).max(1000).optional(),
  /** The time of one run by operator, the longest first; empty without `profile`. */
  operators: z.array(operatorTime),
});

/** The machine, described for those who read its figures elsewhere. */
const machine = z.object({
  processor: text,
  /** Processors that the system shows. */
  cores: count,
  memoryBytes: count,
  /** Name of the GPU on which networks run; absent: on the processor. */
  device: text.optional(),
  /** System and processor family, e.g. `linux x64`. */
  platform: text,
  /** `node`: absent in a browser. */
  versions: z.object({ patchwork: text, node: text.optional(), onnxruntime: text }),
});

/** The effect of quantizing one layer alone on the output of a U-Net run. */
const layerError = z.object({
  /** Name of its weight. */
  layer: text,
  precision: z.enum(PRECISIONS),
  /** PSNR of the output against float32's, in dB. */
  psnr: z.number(),
  /** Whether this precision keeps the layer finer. */
  kept: z.boolean(),
});

export const reportSchema = z.object({
  /** When it was finished, ISO 8601. */
  date: z.iso.datetime(),
  model: text,
  width: count,
  height: count,
  /** Denoising steps of whole images; null for single U-Net runs. */
  steps: count.nullable(),
  /** Whether U-Net runs compute both branches of guidance; null if only other networks run. */
  guidance: z.boolean().nullable().default(true),
  repeat: count,
  threads: count,
  isolated: z.boolean(),
  machine,
  rows: z.array(row).min(1).max(1000),
  /** The worst first, by precision; none unless asked for. */
  layers: z.array(layerError).default([]),
});

export type WorkerReport = z.infer<typeof workerReportSchema>;
export type OperatorTime = z.infer<typeof operatorTime>;
export type RowIdentity = z.infer<typeof rowIdentity>;
export type Timing = z.infer<typeof timing>;
export type BenchmarkRow = z.infer<typeof row>;
export type Machine = z.infer<typeof machine>;
export type LayerError = z.infer<typeof layerError>;
export type BenchmarkReport = z.infer<typeof reportSchema>;
