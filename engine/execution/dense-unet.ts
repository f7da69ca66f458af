import type { Arithmetic } from '../../shared/api.ts';
import { countMacs } from '../graph/macs.ts';
import { floats } from '../graph/tensor.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Program } from './backend.ts';
import type { Components } from './components.ts';
import type { Predict } from './denoise.ts';
import { batchOf, type Condition, guide, unetInputs } from './guidance.ts';
import type { LatentDims } from './latents.ts';
import type { Pass, Region, RowsUNet } from './rows-unet.ts';

type Timesteps = Pick<Scheduler, 'timesteps'>;

/**
 * Prediction over whole latents [C, h, w] (`dims`): by the planar U-Net, or by the rows form where that is faster in
 * float32 or the U-Net is quantized or sampled, which only rows can be.
 */
export async function densePredict(
  components: Components,
  arithmetic: Arithmetic,
  scheduler: Timesteps,
  dims: LatentDims,
  condition: Condition,
): Promise<Predict> {
  const rowsOnly = arithmetic.precision !== 'fp32' || arithmetic.attention === 'sampled';
  if (rowsOnly || (await components.rowsAreFaster())) {
    const [, height, width] = dims;
    const unet = await components.drawingUNet({ height, width }, arithmetic);
    return rowsPredict(unet, scheduler, dims, condition);
  }
  return planarPredict(await components.program('denoiser'), scheduler, dims, condition);
}

/** By the planar form. */
export function planarPredict(
  unet: Program,
  scheduler: Timesteps,
  dims: readonly number[],
  condition: Condition,
): Predict {
  return async (sample, index) => {
    const outputs = await unet.run(unetInputs(sample, dims, scheduler.timesteps[index]!, condition));
    return guide(floats(outputs, 'out'), condition);
  };
}

/** By the rows form. `record`, where given, gets each pass with its features. */
export function rowsPredict(
  unet: RowsUNet,
  scheduler: Timesteps,
  dims: LatentDims,
  condition: Condition,
  record?: (timestep: number, region: Region, pass: Pass) => void,
): Predict {
  const [channels, height, width] = dims;
  const region = unet.dense(height, width, batchOf(condition));
  const at = region.plan.levels[0]!.active;
  return async (sample, index) => {
    const timestep = scheduler.timesteps[index]!;
    const rows = toRows(sample, 1, channels, at);
    const pass = await unet.run(region, rows, timestep, condition, { features: record !== undefined });
    record?.(timestep, region, pass);
    const planes = new Float32Array(sample.length);
    overPlanes(planes, pass.output, 1, channels, at);
    return planes;
  };
}

/** Products of one step over latents of these channels, height and width. */
export function denseStepMacs(
  components: Components,
  { attention }: Pick<Arithmetic, 'attention'>,
  [, height, width]: LatentDims,
  condition: Condition,
): number {
  const extent = { height, width, batch: batchOf(condition), tokens: condition.text.dims[1]! };
  return countMacs(components.network('denoiser'), extent, undefined, attention).total;
}
