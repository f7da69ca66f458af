// Predicted against measured memory: node --import tsx scripts/peaks.ts ARCH WxH [PART…]
// Every part runs alone in a process of its own, with synthetic weights and guidance, twice.
import { spawnSync } from 'node:child_process';
import { weightsOf } from '../engine/graph/network.ts';
import type { Value } from '../engine/graph/values.ts';
import { openModel } from '../engine/models/open.ts';
import { PARTS, type Part } from '../engine/models/parts.ts';
import { Components } from '../engine/pipelines/components.ts';
import { predictPart } from '../engine/pipelines/memory-plan.ts';
import { NodeRuntime } from '../engine/runtime/node/runtime.ts';
import { float32, int64, type Tensor } from '../engine/runtime/runtime.ts';

const TOKENS = 77;

const [arch = 'sd15', size = '512x512', ...asked] = process.argv.slice(2);
const [width, height] = size.split('x').map(Number) as [number, number];

if (process.env.PEAKS_PART) await measure(process.env.PEAKS_PART as Part);
else {
  console.log(
    '| part | weights | values at once | predicted | measured | error |\n| --- | --- | --- | --- | --- | --- |',
  );
  const model = await openModel(arch);
  const parts =
    asked.length > 0 ? (asked as Part[]) : PARTS.filter((part) => canOpen(() => model.network(part)));
  for (const part of parts) {
    const env = { ...process.env, PEAKS_PART: part };
    const args = ['--import', 'tsx', import.meta.filename, arch, size];
    spawnSync(process.execPath, args, { env, stdio: 'inherit' });
  }
}

function canOpen(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch {
    return false;
  }
}

async function measure(part: Part): Promise<void> {
  const model = await openModel(arch);
  const runtime = new NodeRuntime();
  const components = new Components(model, runtime, runtime.threads);
  const network = components.network(part);
  const batch = part.startsWith('vae') ? 1 : 2;
  const scale = part.startsWith('vae') ? 1 : model.autoencoder.scale;
  const extent = { width: width / scale, height: height / scale, batch, tokens: TOKENS };
  await model.weights(part);
  const session = await components.session(part);
  const inputs = Object.fromEntries([...network.inputs].map(([name, value]) => [name, input(value, extent)]));
  for (let i = 0; i < 2; i++) await session.run(inputs);
  const { weights, values, total } = predictPart(network, extent);
  const measured = runtime.peakBytes();
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const error = `${((100 * (total - measured)) / measured).toFixed(0)} %`;
  const name = `${arch} ${part}, ${size}, ${weightsOf(network).length} weights`;
  console.log(`| ${[name, ...[weights, values, total, measured].map(megabytes), error].join(' | ')} |`);
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
