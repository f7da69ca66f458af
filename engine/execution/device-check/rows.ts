import type { Network } from '../../graph/network.ts';
import { float32 } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { featuresOf } from '../../regions/features.ts';
import { densePlan } from '../../regions/plan.ts';
import type { Weights } from '../../weights/weight-table.ts';
import type { Backend } from '../backend.ts';
import type { RowsOptions } from '../forms/form.ts';
import { featureFeeds, indexFeeds } from '../unet/feeds.ts';
import { fastest } from './fastest.ts';

export interface RowsSubject {
  network: Network;
  weights: Weights;
  /** Of the network's input `x`, on a square of one level. */
  channels: number;
  side: number;
  /** See `RowsOptions`. */
  rectangles?: readonly number[];
}

/**
 * Seconds of a network's fastest run in rows form, over all positions of a square. @param half in float16
 */
export async function rowsSeconds(
  device: Backend,
  { network, weights, channels, side, rectangles = [] }: RowsSubject,
  half: boolean,
): Promise<number> {
  const options: RowsOptions = {
    foldUpsampling: false,
    storage: 'float32',
    statistics: 'fresh',
    attention: 'full',
    rectangles,
  };
  const form = { ...options, features: featuresOf(network), batch: 1 };
  const plan = densePlan(side, side, 1, rectangles);
  const feeds = { ...indexFeeds(form, plan), ...featureFeeds(form, plan) };
  const rows = float32(gaussianNoise(7, 0, side * side * channels), [1, side * side, channels]);
  const program = await device.compile(network, weights, { kind: 'rows', options }, { half });
  try {
    const run = () => program.run({ x: rows, ...feeds });
    await run();
    return await fastest(run);
  } finally {
    await program.release();
  }
}
