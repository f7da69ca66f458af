import { fs, path } from '#host';
import type { Precision } from '../../../shared/arithmetic.ts';
import type { LayerError } from '../../../shared/benchmark/report.ts';
import { InputError } from '../../errors.ts';
import type { Backend, Program } from '../../execution/backend.ts';
import { shiftNetwork, textNetwork } from '../../execution/forms/conditioning.ts';
import { type Form, PLANAR, type RowsOptions } from '../../execution/forms/form.ts';
import { rowsPredict } from '../../execution/unet/predict.ts';
import { RowsUNet } from '../../execution/unet/rows-unet.ts';
import type { Network } from '../../graph/network.ts';
import { isWeightProduct, type WeightProduct } from '../../graph/operators.ts';
import type { QuantizedPrecision } from '../../graph/weight-form.ts';
import type { Model } from '../../models/model.ts';
import { TRANSFORMER } from '../../networks/transformer.ts';
import { formOf, USUAL_FORM } from '../../networks/weight-forms.ts';
import { writeQuantized } from '../../quantization/build.ts';
import { QuantizedTable } from '../../quantization/quantized-table.ts';
import { NO_SMOOTHING } from '../../quantization/smoothing.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { type Weights, WeightTable } from '../../weights/weight-table.ts';
import type { Count } from '../trial.ts';
import { type StepInputs, TIMESTEP } from './inputs.ts';
import { decibels } from './references.ts';

interface LayersRequest {
  model: Model;
  network: Network;
  precision: QuantizedPrecision;
  inputs: StepInputs;
  threads: number;
  /** Most layers to test, spread over the network. */
  most: number;
}

const OPTIONS: RowsOptions = {
  foldUpsampling: false,
  storage: 'float32',
  statistics: 'fresh',
  attention: 'full',
};

/** @throws InputError if nothing is quantized, or not in layers of a U-Net */
export function requireLayers(model: Model, quantized: readonly Precision[]): void {
  if (quantized.length === 0)
    throw new InputError('Errors of layers are of quantized ones: give --precision int8 or int4.');
  if (model.network('denoiser').name === TRANSFORMER)
    throw new InputError(`Errors of layers are of a U-Net, and not of a transformer, as ${model.name} is.`);
}

/**
 * The error of a denoiser run if one layer alone is quantized (by rounding), worst layer first. The network is loaded
 * again for each layer.
 */
export function layerErrors(
  request: LayersRequest,
  backend: Backend,
  onCount: Count,
  signal?: AbortSignal,
): Promise<LayerError[]> {
  return fs.withTemporaryFolder((folder) => errorsOf(request, folder, backend, onCount, signal));
}

/** @param folder for the weights of the current layer. */
async function errorsOf(
  { model, network, precision, inputs, threads, most }: LayersRequest,
  folder: string,
  backend: Backend,
  onCount: Count,
  signal?: AbortSignal,
): Promise<LayerError[]> {
  const products = network.operators.filter(isWeightProduct);
  const step = Math.max(1, products.length / most);
  const sampled = products.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const source = new WeightTable(network, await model.weights('denoiser'));
  const largest = await backend.largestInt8();
  const form = () => USUAL_FORM[precision];
  const quantize = async (product: WeightProduct) => {
    const file = path.join(folder, 'layer.safetensors');
    const options = { form, folded: false, most: largest, smoothing: NO_SMOOTHING };
    const alone = { ...network, operators: [product] };
    await writeQuantized(file, alone, source, options, { metadata: {}, signal });
    return new QuantizedTable(await openSafetensors(file));
  };
  const run = (weights: Weights) => runOnce(network, weights, inputs, backend, threads);
  const reference = await run(source);
  const errors: LayerError[] = [];
  for (const [i, product] of sampled.entries()) {
    signal?.throwIfAborted();
    onCount(i, sampled.length);
    const { name } = product.weight;
    const quantized = await quantize(product);
    const output = await run({
      get: (weight) => source.get(weight),
      matrix: (weight, layout) => (weight.name === name ? quantized.matrix(weight, layout) : undefined),
      bytes: source.bytes,
      files: [...source.files, ...quantized.files],
    });
    errors.push({
      layer: name,
      precision,
      psnr: decibels(output, reference),
      kept: formOf(product, precision) !== USUAL_FORM[precision],
    });
  }
  onCount(sampled.length, sampled.length);
  return errors.sort((a, b) => a.psnr - b.psnr);
}

/** The output [C, h, w] of a dense run with these weights. */
async function runOnce(
  network: Network,
  weights: Weights,
  inputs: StepInputs,
  backend: Backend,
  threads: number,
): Promise<Float32Array> {
  const programs: Program[] = [];
  const load = async (part: Network, form: Form) => {
    const program = await backend.compile(part, weights, form, { threads });
    programs.push(program);
    return program;
  };
  try {
    const rows = await load(network, { kind: 'rows', options: OPTIONS });
    const part = (of: Network) => (of.outputs.size > 0 ? load(of, PLANAR) : undefined);
    const [text, shift] = [await part(textNetwork(network)), await part(shiftNetwork(network))];
    const unet = new RowsUNet({ rows, text, shift }, network, OPTIONS);
    const { channels, extent, condition, original } = inputs;
    const dims = [channels, extent.height, extent.width] as const;
    return await rowsPredict(unet, { timesteps: [TIMESTEP] }, dims, condition)(original, 0);
  } finally {
    for (const program of programs) await program.release();
  }
}
