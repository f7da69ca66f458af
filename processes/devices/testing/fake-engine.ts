/**
 * An engine process for tests: the prompt selects the behaviour of its GPU. Results name the device that they come
 * from.
 */
import { InputError } from '../../../engine/errors.ts';
import {
  type BenchmarkResult,
  type CallOptions,
  ENGINE_CALLS,
  type Engine,
  type GenerateProgress,
  type GenerateRequest,
  type GenerateResult,
} from '../../../shared/api.ts';
import { run } from '../../../shared/benchmark/testing.ts';
import { serve } from '../../engine/serve.ts';
import { fakeResult } from '../../engine/testing/fake-result.ts';

const { id, small } = JSON.parse(process.argv[3] ?? '{"id":"cpu"}');
const isGpu = id !== 'cpu';

async function generate(
  { prompt }: GenerateRequest,
  { onProgress }: CallOptions<GenerateProgress> = {},
): Promise<GenerateResult> {
  if (prompt === 'bad input') throw new InputError('The size is bad.');
  if (isGpu && prompt === 'kills the GPU') process.exit(139);
  onProgress?.({ stage: 'denoise', step: 0, steps: 1 });
  if (isGpu && prompt === 'hangs the GPU') await new Promise(() => setInterval(() => {}, 1000));
  if (isGpu && prompt === 'loses the GPU') throw new Error('The device was lost.');
  if (isGpu && !small && prompt === 'is too large') throw new Error('Failed to allocate memory.');
  if (isGpu && prompt === 'needs more memory')
    throw new InputError(
      `X needs about 9 GB of memory, and 2 GB are free; what would fit: the precision int4.`,
    );
  if (prompt === 'is broken') throw new Error('Something broke.');
  const place = [id, ...(small ? ['small'] : []), process.pid].join(' ');
  return fakeResult({ prompt }, place, { device: id });
}

/** Without a GPU it would succeed. */
async function benchmark(): Promise<BenchmarkResult> {
  if (isGpu) throw new Error('The device was lost.');
  return { report: run().report, pictures: {} };
}

async function unused(): Promise<never> {
  throw new Error('not used');
}

const others = Object.keys(ENGINE_CALLS).map((name) => [name, unused]);
const engine: Engine = { ...(Object.fromEntries(others) as Engine), generate, benchmark, async dispose() {} };

serve(engine);
