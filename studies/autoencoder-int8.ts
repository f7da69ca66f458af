import { interleave } from '../engine/benchmark/timing.ts';
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
import { byDefault, study, table, text, whole } from './frame.ts';
import { decibels, milliseconds, signalToNoise } from './support/figures.ts';

await study(
  {
    about:
      'How much faster an int8 decoder and encoder of an autoencoder are, and how far from float32. ' +
      'Calibrated with one latent or image of noise, measured on another.',
    arguments: { model: text('a model folder, or an architecture with synthetic weights: sd15, …') },
    options: {
      side: byDefault(whole('width and height of the image, in pixels', 8), 512),
      repeat: byDefault(whole('timed runs of each', 1), 3),
    },
  },
  async ({ model: name, side, repeat }) => {
    const model = await openModel(name);
    const runtime = new NodeRuntime();
    const most = await largestInt8(runtime);
    const row = table('', 'float32', 'int8', 'times faster', 'signal to noise');
    for (const [part, extent] of [
      ['vae-decoder', side / model.autoencoder.scale],
      ['vae-encoder', side],
    ] as const) {
      const network = model.network(part);
      const { name: input, value } = onlyMap(network.inputs);
      const { name: result } = onlyMap(network.outputs);
      const dims = [1, value.channels, extent, extent];
      const weights = new WeightTable(network, await model.weights(part));
      const feeds = (seed: number): Record<string, Tensor> => {
        const length = dims.reduce((a, b) => a * b, 1);
        return { [input]: float32(gaussianNoise(seed, 0, length), dims) };
      };
      const output = async (session: Session) => floats(await session.run(feeds(2), [result]), result);
      const ranges = await runtime.load(lowerRanges(network, weights), { threads: 0 });
      const observed = await ranges.run(feeds(1));
      await ranges.release();
      const bytes = await quantizeConvolutions(network, weights, [observed], most);
      const exact = await runtime.load(lowerPlanar(network, weights), { threads: 0 });
      const quantized = await runtime.load(lowerInt8(network, weights, bytes), { threads: 0 });
      const noise = signalToNoise(await output(quantized), await output(exact));
      const [slow, fast] = await interleave(
        [exact, quantized].map((session) => ({ run: async () => void (await output(session)) })),
        repeat,
      );
      const [a, b] = [slow!.medianSeconds, fast!.medianSeconds];
      row(
        `${name} ${part}, ${side}×${side}`,
        milliseconds(a),
        milliseconds(b),
        (a / b).toFixed(2),
        decibels(noise),
      );
      for (const session of [exact, quantized]) await session.release();
    }
  },
);
