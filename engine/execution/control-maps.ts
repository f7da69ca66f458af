import { float32, floats, type Tensor } from '../graph/tensor.ts';
import { type ControlModel, isControlNet } from '../models/control-model.ts';
import { featureName, type T2IAdapterConfig, unshuffled } from '../networks/t2i-adapter.ts';
import { requireFinite } from '../numbers.ts';
import { WeightTable } from '../weights/weight-table.ts';
import type { Backend } from './backend.ts';
import { PLANAR } from './forms/form.ts';

/**
 * What a control model makes of a picture [3, height, width] in 0 … 1, for a `Guide`: one map of a ControlNet, several of
 * an adapter. The encoder is loaded for this alone.
 */
export async function controlMaps(
  model: ControlModel,
  picture: Float32Array,
  { width, height }: { width: number; height: number },
  backend: Backend,
  threads?: number,
): Promise<Tensor[]> {
  const weights = new WeightTable(model.encoder, await model.weights());
  const program = await backend.compile(model.encoder, weights, PLANAR, { threads });
  try {
    if (isControlNet(model)) {
      const image = model.config.isBgr ? swapped(picture) : picture;
      const outputs = await program.run({ image: float32(image, [1, 3, height, width]) });
      requireFinite(floats(outputs, 'hint'), `The ControlNet ${model.id}`);
      return [outputs.hint!];
    }
    const config = model.config as T2IAdapterConfig;
    const factor = config.downscale_factor;
    const data = unshuffled(picture, config, width);
    const dims = [1, config.in_channels * factor ** 2, height / factor, width / factor];
    const outputs = await program.run({ image: float32(data, dims) });
    return config.channels.map((_, i) => {
      const map = outputs[featureName(i)]!;
      const data = floats({ map }, 'map');
      requireFinite(data, `The T2I-Adapter ${model.id}`);
      return float32(data, map.dims);
    });
  } finally {
    await program.release();
  }
}

/** Red, green, blue → blue, green, red. */
function swapped(planes: Float32Array): Float32Array {
  const size = planes.length / 3;
  const result = new Float32Array(planes.length);
  for (const channel of [0, 1, 2])
    result.set(planes.subarray(channel * size, (channel + 1) * size), (2 - channel) * size);
  return result;
}
