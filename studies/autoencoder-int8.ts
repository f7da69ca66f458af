import { NodeBackend } from '../engine/backends/node/backend.ts';
import { interleave } from '../engine/benchmark/timing.ts';
import type { Program } from '../engine/execution/backend.ts';
import { Components } from '../engine/execution/components.ts';
import { onlyMap } from '../engine/execution/crops/crop-network.ts';
import { decoderPrecision } from '../engine/execution/decoder-precision.ts';
import { PLANAR } from '../engine/execution/forms/form.ts';
import { float32, floats, type Tensor } from '../engine/graph/tensor.ts';
import type { Model } from '../engine/models/model.ts';
import { openModel } from '../engine/models/open.ts';
import { gaussianNoise } from '../engine/noise.ts';
import { signalToNoise } from '../engine/numbers.ts';
import { quantizeConvolutions } from '../engine/quantization/convolutions.ts';
import { WeightTable } from '../engine/weights/weight-table.ts';
import { byDefault, study, table, text, whole } from './frame.ts';
import { decibels, milliseconds } from './support/figures.ts';

await study(
  {
    about:
      'How much faster an int8 decoder and encoder of an autoencoder are, and how far from float32. ' +
      "Calibrated with one latent or image of noise, measured on another; DC-AE's decoder is that of int8 images.",
    arguments: { model: text('a model folder, or an architecture with synthetic weights: sd15, …') },
    options: {
      side: byDefault(whole('width and height of the image, in pixels', 8), 512),
      repeat: byDefault(whole('timed runs of each', 1), 3),
    },
  },
  async ({ model: name, side, repeat }) => {
    const model = await openModel(name);
    const backend = new NodeBackend();
    const most = await backend.largestInt8();
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
      const output = async (program: Program) => floats(await program.run(feeds(2), [result]), result);
      const calibrated = async () => {
        const ranges = await backend.compile(network, weights, { kind: 'ranges' });
        const observed = await ranges.run(feeds(1));
        await ranges.release();
        const bytes = await quantizeConvolutions(network, weights, [observed], most);
        return backend.compile(network, weights, { kind: 'bytes', bytes });
      };
      const exact = await backend.compile(network, weights, PLANAR);
      const isOwn = part === 'vae-decoder' && decoderPrecision(model.autoencoder, 'int8') === 'int8';
      const quantized = await (isOwn ? decoderInUse(model, backend) : calibrated());
      const noise = signalToNoise(await output(quantized), await output(exact));
      const [slow, fast] = await interleave(
        [exact, quantized].map((program) => ({ run: async () => void (await output(program)) })),
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
      for (const program of [exact, quantized]) await program.release();
    }
  },
);

/** The decoder that images in int8 are decoded with. */
async function decoderInUse(model: Model, backend: NodeBackend): Promise<Program> {
  const components = new Components(model, backend, backend.threads);
  await components.prepareDecoder('int8');
  return components.program('vae-decoder');
}
