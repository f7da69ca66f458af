import * as z from 'zod';

/** What was found out about a device, by which its backend computes. */
export const findingsSchema = z.object({
  /** Of the GPU. */
  name: z.string(),
  /** Bytes of its memory; absent where the system does not tell. */
  memoryBytes: z.number().positive().optional(),
  /** Operators that have a kernel there, but a wrong one. */
  wrong: z.array(z.string()),
  /** Whether it computes in float16, and right. */
  half: z.boolean().optional(),
});

export type Findings = z.infer<typeof findingsSchema>;
