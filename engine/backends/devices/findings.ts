import * as z from 'zod';
import { DEVICE_IDS } from '../../../shared/devices.ts';

/** See `ConvolutionTimes`. */
export const convolutionTimesSchema = z.array(
  z.object({
    channels: z.number().positive(),
    rows: z.number().positive(),
    rectangle: z.number().positive(),
  }),
);

const seconds = z.number().positive().optional();
/** See `StepTimes`. */
export const stepTimesSchema = z.object({ fp32: seconds, fp16: seconds, int8: seconds });

/** Of rows that stay on a device, beside float32; see `DeviceStorage`. */
export const storagesSchema = z.array(z.enum(['float16', 'uint8']));

/** Findings about a device, which its backend follows. */
const findingsSchema = z.object({
  /** Name of the GPU. */
  name: z.string(),
  /** Whether it is a processor that acts as a GPU. */
  software: z.boolean().optional(),
  /** Bytes of its memory; absent if the system does not report. */
  memoryBytes: z.number().positive().optional(),
  /** Operators whose kernel gives wrong results there. */
  wrong: z.array(z.string()),
  /** Whether it computes correctly in float16. */
  half: z.boolean().optional(),
  /** In which it records features correctly. */
  storages: storagesSchema.optional(),
  convolutions: convolutionTimesSchema.optional(),
  steps: stepTimesSchema.optional(),
});

export type Findings = z.infer<typeof findingsSchema>;

export const deviceSchema = z.object({
  id: z.enum(DEVICE_IDS),
  findings: findingsSchema,
  /** Takes as little of the device's memory as it can: after it ran out of it. */
  small: z.boolean().optional(),
});

/** A device, and how networks run on it. */
export type OpenedDevice = z.infer<typeof deviceSchema>;
