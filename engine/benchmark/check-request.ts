import * as z from 'zod';
import { ATTENTIONS, DEVICE_IDS, PRECISIONS } from '../../shared/api.ts';
import type { BenchmarkRequest } from '../../shared/benchmark/report.ts';
import { CODINGS } from '../../shared/codings.ts';
import { BENCHMARK_LIMITS, LIMITS } from '../../shared/limits.ts';
import { busSchema, check, fields } from '../pipelines/check-request.ts';

const { whole, text, oneOf, side, between, file } = fields;

const mask = z
  .object({ name: z.string().min(1).max(200) })
  .and(
    z.union([
      z.object({ image: file('The mask') }),
      z.object({ share: between("The mask's share", BENCHMARK_LIMITS.share) }),
    ]),
  );

const schema = z.object({
  cases: z.array(z.string().max(100)).min(1, { error: 'Name at least one case' }).max(BENCHMARK_LIMITS.count),
  model: z.string().max(4096).optional(),
  segmenter: z.string().max(4096).optional(),
  width: side('The width').optional(),
  height: side('The height').optional(),
  masks: z.array(mask).max(BENCHMARK_LIMITS.count).optional(),
  precisions: z.array(oneOf('precision', PRECISIONS)).min(1).max(PRECISIONS.length).optional(),
  devices: z.array(oneOf('device', DEVICE_IDS)).min(1).max(DEVICE_IDS.length).optional(),
  attention: oneOf('attention', ATTENTIONS).optional(),
  workers: z
    .array(whole('Workers', { ...LIMITS.workers, min: 1 }))
    .min(1)
    .max(BENCHMARK_LIMITS.count)
    .optional(),
  bus: busSchema.optional(),
  coding: oneOf('coding', CODINGS).optional(),
  guidance: z.boolean().optional(),
  repeat: whole('Repeats', BENCHMARK_LIMITS.repeat).optional(),
  threads: whole('Threads', LIMITS.threads).optional(),
  whole: z
    .object({
      prompt: text('The prompt'),
      editPrompt: text("The edit's prompt"),
      image: file('The image').optional(),
      steps: whole('Steps', LIMITS.steps).optional(),
      seed: whole('The seed', LIMITS.seed).optional(),
      strength: between('Strength', LIMITS.strength).optional(),
      dilation: whole('Dilation', LIMITS.dilation).optional(),
    })
    .optional(),
  profile: z.boolean().optional(),
  isolate: z.boolean().optional(),
  layers: whole('Layers', BENCHMARK_LIMITS.layers).optional(),
});

/** Checks an untrusted request. @throws InputError that names the allowed values */
export function checkBenchmark(request: BenchmarkRequest): BenchmarkRequest {
  return check(schema, request);
}
