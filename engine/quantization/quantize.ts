import { path } from '#host';
import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { isWeightProduct, type WeightProduct } from '../graph/operators.ts';
import type { QuantizedPrecision } from '../graph/weight-form.ts';
import { formsOf, isInBlocks } from '../networks/weight-forms.ts';
import { openOrMake } from '../weights/made-file.ts';
import { openSafetensors, type SafetensorsFile } from '../weights/safetensors.ts';
import { isSealed } from '../weights/seal.ts';
import { type FloatWeights, type QuantizationOptions, weightReader, writeQuantized } from './build.ts';
import { int4Factors, int8Factors, type ReadMatrices } from './factors.ts';
import { identityOf } from './identity.ts';
import { layoutsOf, matrixOf, matrixShape, productGroups } from './layers.ts';
import { QuantizedTable } from './quantized-table.ts';
import { NO_SMOOTHING, smoothingOf } from './smoothing.ts';
import type { Statistics } from './statistics.ts';

/** Increment when the same weights are quantized to other numbers. */
const VERSION = 5;

export interface QuantizeRequest {
  network: Network;
  weights: FloatWeights;
  precision: QuantizedPrecision;
  /** Largest int8 value that products on this machine may use. */
  most: number;
  /** Whether the backend multiplies bytes (default true). */
  bytes?: boolean;
  /** Folder of the quantized files. */
  folder: string;
  /**
   * Collects statistics of the products' inputs by running the float32 network. Called only if there is no file yet.
   * Without statistics, weights are rounded without smoothing.
   */
  calibrate?: () => Promise<Statistics | undefined>;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/**
 * Opens a network's quantized weights, from the file kept for these weights and this way of quantizing, or writes it
 * first.
 * @throws InputError naming a weight that is not finite, or why the file cannot be written anywhere
 */
export async function quantize(request: QuantizeRequest): Promise<QuantizedTable> {
  return new QuantizedTable(await quantizedFile(request));
}

async function quantizedFile(request: QuantizeRequest): Promise<SafetensorsFile> {
  const { network, weights, precision, most, bytes = true, folder, calibrate, onProgress, signal } = request;
  const form = formsOf(network, precision, bytes);
  const forms = network.operators.flatMap((operator) =>
    isWeightProduct(operator) ? [[operator.weight.name, form(operator)]] : [],
  );
  const how = [VERSION, precision, most, calibrate !== undefined, forms];
  const identity = await identityOf(network, weights, how, signal);
  // Once, even if the file is written a second time, elsewhere.
  let calibrated: Promise<Statistics | undefined> | undefined;
  return openOrMake(path.join(folder, `${network.name}-${precision}-${identity}.safetensors`), {
    open: (file) => openKept(file, identity, signal),
    async make(file) {
      calibrated ??= calibrate?.();
      const statistics = await calibrated;
      if (calibrate && !statistics) return quantizedFile({ ...request, calibrate: undefined });
      const options = await optionsFor(request, form, statistics);
      await writeQuantized(file, network, weights, options, { metadata: { identity }, onProgress, signal });
      return openSafetensors(file);
    },
  });
}

async function optionsFor(
  { network, weights, precision, most, bytes = true, signal }: QuantizeRequest,
  form: QuantizationOptions['form'],
  statistics: Statistics | undefined,
): Promise<QuantizationOptions> {
  const groups = productGroups(network).filter(({ products }) =>
    products.every((product) => form(product) !== 'float'),
  );
  const read = weightReader(weights);
  const matrices: ReadMatrices = async (product) => {
    const data = await read(product.weight);
    return layoutsOf(product, false).map((layout) => ({
      data: matrixOf(product.weight, layout, data),
      columns: matrixShape(product.weight, layout)[1],
    }));
  };
  const factors = isInBlocks(precision, bytes) ? int4Factors : int8Factors;
  const smoothing = statistics
    ? await smoothingOf(network, groups, (group) => {
        signal?.throwIfAborted();
        return factors(group, statistics, matrices);
      })
    : NO_SMOOTHING;
  const input = new Map(
    groups.flatMap(({ products }) => products.map((product) => [product, products[0]!] as const)),
  );
  const seen = (product: WeightProduct) => statistics?.get(input.get(product)?.weight.name ?? '');
  return { form, folded: precision === 'int8', most, smoothing, ...(statistics && { seen }) };
}

/** A file written before, if it holds what was written then and has the right identity. */
async function openKept(
  file: string,
  identity: string,
  signal?: AbortSignal,
): Promise<SafetensorsFile | undefined> {
  try {
    const opened = await openSafetensors(file);
    return opened.metadata.identity === identity && (await isSealed(opened, signal)) ? opened : undefined;
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
