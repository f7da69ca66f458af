import type { Network } from '../../graph/network.ts';
import { floats } from '../../graph/tensor.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { Scheduler } from '../../schedulers/scheduler.ts';
import type { Program } from '../backend.ts';
import { batchOf, type Condition, guide } from '../condition.ts';
import type { Predict } from '../denoise.ts';
import { denoiserInputs, OUTPUT, withPlanes } from '../denoiser-inputs.ts';
import type { LatentDims } from '../latents.ts';
import type { RowsUNet } from './rows-unet.ts';
import { steeredPlanes } from './steering.ts';

type Timesteps = Pick<Scheduler, 'timesteps'>;

/** A U-Net's planar form alone, for comparisons. Samples are [C, h, w] (`dims`). `network`: of one that is steered. */
export function planarPredict(
  unet: Program,
  scheduler: Timesteps,
  dims: readonly number[],
  condition: Condition,
  network?: Network,
): Predict {
  return async (sample, index) => {
    const all = withPlanes(sample, condition);
    const [, ...size] = dims;
    const positions = size.reduce((a, b) => a * b, 1);
    const shape = [all.length / positions, ...size];
    const timestep = scheduler.timesteps[index]!;
    const steered = network && steeredPlanes(network, condition, timestep, all, size);
    const outputs = await unet.run(denoiserInputs(all, shape, timestep, condition, steered));
    return guide(floats(outputs, OUTPUT), condition);
  };
}

/** As `planarPredict`, in rows form. */
export function rowsPredict(
  unet: RowsUNet,
  scheduler: Timesteps,
  dims: LatentDims,
  condition: Condition,
): Predict {
  const [channels, height, width] = dims;
  const region = unet.dense(height, width, batchOf(condition));
  const at = region.plan.levels[0]!.active;
  return async (sample, index) => {
    const rows = toRows(sample, 1, channels, at);
    const { output } = await unet.run(region, rows, scheduler.timesteps[index]!, condition);
    const planes = new Float32Array(sample.length);
    overPlanes(planes, output, 1, channels, at);
    return planes;
  };
}
