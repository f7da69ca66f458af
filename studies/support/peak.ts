/** Measures one network for the study of memory peaks; its task comes as a message from the process that started it. */

import { once } from 'node:events';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { StepInputs } from '../../engine/benchmark/step/inputs.ts';
import { Components } from '../../engine/execution/components.ts';
import { predictor } from '../../engine/execution/denoise.ts';
import { type PartNeeds, predictDenoiser, predictPart } from '../../engine/execution/memory-plan.ts';
import { float32, int64, type Tensor } from '../../engine/graph/tensor.ts';
import type { Value } from '../../engine/graph/values.ts';
import { NETWORK_ROLES, type NetworkRole } from '../../engine/models/networks.ts';
import { openModel } from '../../engine/models/open.ts';
import { CLIP_TOKENS } from '../../engine/networks/clip-text.ts';
import type { Precision } from '../../shared/api.ts';

export interface PeakTask {
  arch: string;
  width: number;
  height: number;
  guidance: boolean;
  /** A network of the pipeline, or the U-Net in a precision: `vae-decoder`, `int8`, `int8-records`. */
  what: string;
  /** Only writes the quantized weights. */
  prepare?: boolean;
}

export interface Peak {
  /** As predicted. */
  needs: PartNeeds;
  measuredBytes: number;
  loadSeconds: number;
  /** Time of the fastest run. */
  runSeconds: number;
}

/** Timed runs, after a warm-up. */
const RUNS = 2;

const [task] = (await once(process, 'message')) as [PeakTask];
const { width, height, guidance, what } = task;
const model = await openModel(task.arch);
const backend = new NodeBackend();
const components = new Components(model, backend, backend.threads);
const role = NETWORK_ROLES.find((name) => name === what);
const [precision, records] = what.split('-') as [Precision, string | undefined];
if (task.prepare) await components.prepare(precision);
else {
  const measured = role ? await measurePart(role) : await measureUNet(precision, records === 'records');
  process.send!({ ...measured, measuredBytes: backend.peakBytes() } satisfies Peak);
}
await components.release();
process.disconnect();

/** Seconds of the fastest of a few runs after the first. */
async function fastest(run: () => Promise<unknown>): Promise<number> {
  await run();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    await run();
    least = Math.min(least, (performance.now() - begin) / 1000);
  }
  return least;
}

async function measureUNet(precision: Precision, records: boolean): Promise<Omit<Peak, 'measuredBytes'>> {
  const inputs = new StepInputs(components, { width, height }, guidance);
  const { extent, condition } = inputs;
  const schedule = { timesteps: [500] };
  await components.prepare(precision);
  const begin = performance.now();
  const { height: down, width: across, batch } = extent;
  const denoiser = components.denoiser({ precision });
  const plan = await denoiser.plan({ of: 'whole', height: down, width: across, records }, batch);
  const predict = records
    ? (sample: Float32Array) => denoiser.predict(plan, sample, 500, condition, { record: true })
    : predictor(denoiser, plan, schedule, condition);
  const loadSeconds = (performance.now() - begin) / 1000;
  const runSeconds = await fastest(() => predict(inputs.sample(), 0));
  const rows = precision !== 'fp32' || (await components.forms.rowsAreFaster());
  const stored = await components.storedForms(['denoiser']);
  return {
    needs: predictDenoiser(components.network('denoiser'), extent, { precision, rows, records, stored }),
    loadSeconds,
    runSeconds,
  };
}

async function measurePart(role: NetworkRole): Promise<Omit<Peak, 'measuredBytes'>> {
  const network = components.network(role);
  const scale = role.startsWith('vae') ? 1 : model.autoencoder.scale;
  const batch = role.startsWith('vae') || !guidance ? 1 : 2;
  const extent = { width: width / scale, height: height / scale, batch, tokens: CLIP_TOKENS };
  const begin = performance.now();
  const program = await components.program(role);
  const loadSeconds = (performance.now() - begin) / 1000;
  const inputs = Object.fromEntries([...network.inputs].map(([name, value]) => [name, input(value, extent)]));
  const runSeconds = await fastest(() => program.run(inputs));
  return { needs: predictPart(network, extent), loadSeconds, runSeconds };
}

/** Arbitrary values in the shape of an input. A decoder's latents are eight times smaller than its image. */
function input(
  value: Value,
  { width, height, batch }: { width: number; height: number; batch: number },
): Tensor {
  const filled = (...dims: number[]) =>
    float32(new Float32Array(dims.reduce((a, b) => a * b)).fill(0.5), dims);
  switch (value.kind) {
    case 'map': {
      const shrink = 2 ** value.level;
      return filled(batch, value.channels, Math.ceil(height / shrink), Math.ceil(width / shrink));
    }
    case 'tokens':
      return filled(batch, CLIP_TOKENS, value.channels);
    case 'vector':
      return value.channels === 1 ? filled(1, 1) : filled(batch, value.channels);
    case 'ids':
      return int64(new BigInt64Array(batch * CLIP_TOKENS), [batch, CLIP_TOKENS]);
  }
}
