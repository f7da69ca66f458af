// How much faster an int8 decoder and encoder of an autoencoder are, and how far from float32.
// node --import tsx scripts/autoencoder-int8.ts MODEL [SIDE] [REPEAT]
// MODEL is a model's folder, or sd15 …: synthetic weights. Calibrated by one latent or picture of noise, measured on another.
import { median } from '../engine/benchmark/timing.ts';
import { onlyMap } from '../engine/execution/crop-network.ts';
import { lowerInt8, lowerRanges } from '../engine/execution/lowering/int8.ts';
import { lowerPlanar } from '../engine/execution/lowering/planar.ts';
import type { Session } from '../engine/execution/runtime.ts';
import { float32, floats, type Tensor } from '../engine/graph/tensor.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';
import { openModel } from '../engine/models/open.ts';
import { gaussianNoise } from '../engine/noise.ts';
import { quantizeConvolutions } from '../engine/quantization/convolutions.ts';
import { largestInt8 } from '../engine/quantization/self-check.ts';
import { WeightTable } from '../engine/weights/table.ts';
import { timed } from './segmenters.ts';
import { signalToNoise } from './signal.ts';

const [name, size = '512', repeat = '3'] = process.argv.slice(2);
if (!name) throw new Error('give a model');
const model = await openModel(name);
const runtime = new NodeRuntime();
const most = await largestInt8(runtime);
const side = Number(size);

for (const [part, extent] of [
  ['vae-decoder', side / model.autoencoder.scale],
  ['vae-encoder', side],
] as const) {
  const network = model.network(part);
  const { name: input, value } = onlyMap(network.inputs);
  const { name: given } = onlyMap(network.outputs);
  const dims = [1, value.channels, extent, extent];
  const table = new WeightTable(network, await model.weights(part));
  const feeds = (seed: number): Record<string, Tensor> => {
    const length = dims.reduce((a, b) => a * b, 1);
    return { [input]: float32(gaussianNoise(seed, 0, length), dims) };
  };
  const output = async (session: Session) => floats(await session.run(feeds(2), [given]), given);
  const ranges = await runtime.load(lowerRanges(network, table), { threads: 0 });
  const observed = await ranges.run(feeds(1));
  await ranges.release();
  const bytes = await quantizeConvolutions(network, table, [observed], most);
  const exact = await runtime.load(lowerPlanar(network, table), { threads: 0 });
  const quantized = await runtime.load(lowerInt8(network, table, bytes), { threads: 0 });
  const [wanted, got] = [await output(exact), await output(quantized)];
  const noise = signalToNoise(got, wanted);
  const times = { exact: [] as number[], quantized: [] as number[] };
  for (let i = 0; i < Number(repeat); i++) {
    times.exact.push(await timed(() => output(exact)));
    times.quantized.push(await timed(() => output(quantized)));
  }
  const [slow, fast] = [median(times.exact), median(times.quantized)];
  console.log(
    `${name} ${part} ${side}×${side}: float32 ${slow.toFixed(0)} ms, int8 ${fast.toFixed(0)} ms, ${(slow / fast).toFixed(2)} times faster, signal to noise ${noise.toFixed(1)} dB`,
  );
  for (const session of [exact, quantized]) await session.release();
}
