import { floats } from '../../graph/tensor.ts';
import { productGroups } from '../../quantization/layers.ts';
import { type Statistics, StatisticsBuilder } from '../../quantization/statistics.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { CalibrationRuns } from '../calibration.ts';
import { batchOf, guide } from '../condition.ts';
import { denoiserInputs, withPlanes } from '../denoiser-inputs.ts';
import { watchNames } from '../forms/watch.ts';
import type { RowsUNet } from './rows-unet.ts';
import { steeredRows } from './steering.ts';

/** Statistics of the inputs of a watched U-Net's products during representative runs. */
export async function calibrate(unet: RowsUNet, runs: CalibrationRuns): Promise<Statistics> {
  const watched = productGroups(unet.network)
    .filter(({ input }) => input.kind === 'map')
    .map(({ products }) => products[0]!.weight);
  const names = watched.flatMap((weight) => Object.values(watchNames(weight)));
  const statistics = new StatisticsBuilder();
  await runs(async (sample, dims, timestep, condition) => {
    const [channels, height, width] = dims;
    const all = withPlanes(sample, condition);
    const read = all.length / (height * width);
    const region = unet.dense(height, width, batchOf(condition));
    const at = region.plan.levels[0]!.active;
    const rows = toRows(all, 1, read, at);
    const steered = steeredRows(unet.network, condition, timestep, rows, region.plan);
    const inputs = denoiserInputs(rows, [region.rows, read], timestep, condition, steered);
    const { output, features } = await unet.pass(region, inputs, { others: names });
    for (const weight of watched) {
      const { largest, mean, square } = watchNames(weight);
      statistics.add(weight.name, {
        largest: floats(features, largest),
        mean: floats(features, mean),
        square: floats(features, square),
      });
    }
    const planes = new Float32Array(sample.length);
    overPlanes(planes, guide(output, condition), 1, channels, at);
    return planes;
  });
  return statistics.build();
}
