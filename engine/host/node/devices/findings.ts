import * as z from 'zod';

/** Findings about a device, which its backend follows. */
export const findingsSchema = z.object({
  /** Of the GPU. */
  name: z.string(),
  /** Bytes of its memory; absent if the system does not report. */
  memoryBytes: z.number().positive().optional(),
  /** Operators whose kernel gives wrong results there. */
  wrong: z.array(z.string()),
  /** Whether it computes correctly in float16. */
  half: z.boolean().optional(),
});

export type Findings = z.infer<typeof findingsSchema>;
