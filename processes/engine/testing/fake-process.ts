/** An engine process for tests: the prompt selects its behaviour. */

import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, InputError } from '../../../engine/errors.ts';
import type {
  CallOptions,
  Engine,
  GenerateProgress,
  GenerateRequest,
  GenerateResult,
  SegmentResult,
} from '../../../shared/api.ts';
import { SIGHT_RESULT } from '../../../shared/testing.ts';
import { serve } from '../serve.ts';
import { fakeResult } from './fake-result.ts';

const STEP_MS = 10;

const engine: Engine = {
  async generate(
    request: GenerateRequest,
    options: CallOptions<GenerateProgress> = {},
  ): Promise<GenerateResult> {
    if (request.prompt === 'bad input') throw new InputError('The size is bad.');
    if (request.prompt === 'fails') throw new RangeError('Something broke.');
    if (request.prompt === 'exits') process.exit(3);
    if (request.prompt === 'hangs') block(60_000);
    if (request.prompt === 'a long step') block(2000);
    if (request.prompt === 'computes') block(10_000);
    const steps = request.steps ?? 3;
    for (let step = 1; step <= steps; step++) {
      await sleep(STEP_MS);
      if (options.signal?.aborted) throw abortError();
      options.onProgress?.({ stage: 'denoise', step, steps, preview: picture(step) });
    }
    return result(request, steps);
  },
  edit: notUsed,
  prepareEdit: (_, { signal } = {}) => untilCancelled(signal),
  segment: async (request, { signal } = {}) => {
    if (request.points) return SIGHT_RESULT as unknown as SegmentResult;
    return await untilCancelled(signal);
  },
  findObjects: notUsed,
  cutOut: notUsed,
  upscale: notUsed,
  describe: notUsed,
  async store() {
    return { budgetBytes: 0, bytes: 0, deviceBytes: 0, pictures: [] };
  },
  async benchmark() {
    throw new Error('not used');
  },
  async dispose() {},
};

async function untilCancelled(signal: AbortSignal | undefined): Promise<never> {
  for (let waited = 0; waited < 20_000 && !signal?.aborted; waited += STEP_MS) await sleep(STEP_MS);
  throw abortError();
}

async function notUsed(): Promise<never> {
  throw new Error('not used');
}

/** Keeps the thread busy, as a network run does. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function picture(value: number) {
  return { png: new Uint8Array([value, value, value]), width: 1, height: 1 };
}

function result(request: GenerateRequest, steps: number): GenerateResult {
  return fakeResult(request, `process ${process.pid}`, { steps });
}

serve(engine);
