// Predicted against measured memory, and seconds: node --import tsx scripts/peaks.ts ARCH WxH [--no-guidance] [WHAT…]
// WHAT is a part (vae-decoder, text-encoder, …) or the U-Net in a precision, drawing or recording: fp32, int8-records.
// Everything if absent. Each is alone in a process of its own, with synthetic weights, plainly rounded; it runs once to
// warm up and then a few times, of which the fastest is told.
import { spawnSync } from 'node:child_process';
import { StepInputs } from '../engine/benchmark/step/inputs.ts';
import { Components } from '../engine/execution/components.ts';
import { densePredict } from '../engine/execution/dense-unet.ts';
import { type PartNeeds, predictPart, predictUNet } from '../engine/execution/memory-plan.ts';
import { float32, int64, type Tensor } from '../engine/graph/tensor.ts';
import type { Value } from '../engine/graph/values.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';
import { openModel } from '../engine/models/open.ts';
import { PARTS, type Part } from '../engine/models/parts.ts';
import { recordingPredict } from '../engine/pipelines/repaint.ts';
import { FeatureStore } from '../engine/regions/store.ts';
import { PRECISIONS, type Precision } from '../shared/api.ts';

const TOKENS = 77;
/** Timed, after one that is not. */
const RUNS = 2;

const guidance = !process.argv.includes('--no-guidance');
const [arch = 'sd15', size = '512x512', ...asked] = process.argv
  .slice(2)
  .filter((argument) => argument !== '--no-guidance');
const [width, height] = size.split('x').map(Number) as [number, number];
const model = await openModel(arch);
const runtime = new NodeRuntime();
const components = new Components(model, runtime, runtime.threads);

const { PEAKS_OF: one, PEAKS_PREPARE: prepare } = process.env;
if (prepare) await components.prepare(prepare as Precision);
else if (one) await measure(one);
else {
  console.log('| | weights | values | predicted | measured | error | load | a run |');
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  const parts = PARTS.filter((part) => part !== 'unet' && canOpen(() => model.network(part)));
  const forms = PRECISIONS.flatMap((precision) => [precision, `${precision}-records`]);
  for (const what of asked.length > 0 ? asked : [...parts, ...forms]) {
    const [precision] = what.split('-');
    if (PRECISIONS.some((known) => known !== 'fp32' && known === precision))
      run({ PEAKS_PREPARE: precision });
    run({ PEAKS_OF: what });
  }
}

function run(env: Record<string, string | undefined>): void {
  const args = ['--import', 'tsx', import.meta.filename, arch, size, ...(guidance ? [] : ['--no-guidance'])];
  spawnSync(process.execPath, args, { env: { ...process.env, ...env }, stdio: 'inherit' });
}

function canOpen(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch {
    return false;
  }
}

interface Measured {
  needs: PartNeeds;
  /** In seconds, of loading and of the fastest run. */
  load: number;
  run: number;
}

async function measure(what: string): Promise<void> {
  const [precision, records] = what.split('-');
  const isPart = PARTS.some((part) => part === what);
  const { needs, load, run } = isPart
    ? await measurePart(what as Part)
    : await measureUNet(precision as Precision, records === 'records');
  const measured = runtime.peakBytes();
  const { weights, values, total } = needs;
  const seconds = [load, run].map((time) => `${time.toPrecision(3)} s`);
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const error = `${((100 * (total - measured)) / measured).toFixed(0)} %`;
  const sizes = [weights, values, total, measured].map(megabytes);
  console.log(`| ${[`${arch} ${what}, ${size}`, ...sizes, error, ...seconds].join(' | ')} |`);
}

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

async function measureUNet(precision: Precision, records: boolean): Promise<Measured> {
  const inputs = new StepInputs(components, { width, height }, guidance);
  const { channels, extent, condition } = inputs;
  const dims = [channels, extent.height, extent.width] as const;
  const schedule = { timesteps: [500] };
  await components.prepare(precision);
  const begin = performance.now();
  const predict = records
    ? await recordingPredict(
        await components.editingUNet(extent, { precision }),
        new FeatureStore(runtime.memoryBytes),
        'picture',
        schedule,
        dims,
        condition,
      )
    : await densePredict(components, { precision }, schedule, dims, condition);
  const load = (performance.now() - begin) / 1000;
  const run = await fastest(() => predict(inputs.sample(), 0));
  const rows = precision !== 'fp32' || (await components.rowsAreFaster());
  return { needs: predictUNet(components.network('unet'), extent, { precision, rows, records }), load, run };
}

async function measurePart(part: Part): Promise<Measured> {
  const network = components.network(part);
  const scale = part.startsWith('vae') ? 1 : model.autoencoder.scale;
  const batch = part.startsWith('vae') || !guidance ? 1 : 2;
  const extent = { width: width / scale, height: height / scale, batch, tokens: TOKENS };
  const begin = performance.now();
  const session = await components.session(part);
  const load = (performance.now() - begin) / 1000;
  const inputs = Object.fromEntries([...network.inputs].map(([name, value]) => [name, input(value, extent)]));
  const run = await fastest(() => session.run(inputs));
  return { needs: predictPart(network, extent), load, run };
}

/** Numbers of no meaning. A decoder's latents are eight times smaller than its picture. */
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
      return filled(batch, TOKENS, value.channels);
    case 'vector':
      return value.channels === 1 ? filled(1, 1) : filled(batch, value.channels);
    case 'ids':
      return int64(new BigInt64Array(batch * TOKENS), [batch, TOKENS]);
  }
}
