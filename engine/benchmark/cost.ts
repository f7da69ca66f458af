import type { BenchmarkRequest } from '../../shared/api.ts';
import { textLength } from '../execution/denoiser-inputs.ts';
import { countMacs } from '../graph/macs.ts';
import { weightsOf } from '../graph/network.ts';
import { ARCHITECTURES } from '../models/architectures.ts';
import { openModel } from '../models/open.ts';
import { imageSize } from '../models/sizes.ts';

/** What a benchmark will cost, computed from the network's definition alone. */
export interface BenchmarkCost {
  model: string;
  width: number;
  height: number;
  /** Synthetic weights must be generated first, unless an earlier run did. */
  synthetic: boolean;
  /** Size of the denoiser's weights in float32, in bytes. */
  weightBytes: number;
  /** Multiply–accumulates of one dense denoiser run with guidance. */
  stepMacs: number;
}

/** @throws InputError if there is no such model, or it has no images of this size */
export async function benchmarkCost(
  request: Pick<BenchmarkRequest, 'model' | 'width' | 'height'>,
): Promise<BenchmarkCost> {
  const model = await openModel(request.model);
  const { width, height } = imageSize(model, request);
  const { scale } = model.autoencoder;
  const network = model.network('denoiser');
  const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  return {
    model: model.name,
    width,
    height,
    synthetic: Object.hasOwn(ARCHITECTURES, request.model ?? ''),
    weightBytes: weightsOf(network).reduce((sum, { shape }) => sum + 4 * elements(shape), 0),
    stepMacs: countMacs(network, {
      height: height / scale,
      width: width / scale,
      batch: 2,
      tokens: textLength(network),
    }).total,
  };
}
