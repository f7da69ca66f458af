import type { Network } from '../../graph/network.ts';
import { featuresOf } from '../../regions/features.ts';
import type { ConvolutionTimes } from '../backend.ts';
import { fasterForm } from '../device-check/convolutions.ts';

/**
 * Levels of a U-Net at which an edit's convolutions are faster as native ones of the rectangle around the active rows.
 * @param times of the device; none if it was not measured
 */
export function rectangleLevels(network: Network, times: readonly ConvolutionTimes[] = []): number[] {
  const channels = new Map<number, number[]>();
  for (const feature of featuresOf(network))
    if (feature.kind === 'window' && feature.reader === 'same')
      channels.set(feature.level, [...(channels.get(feature.level) ?? []), feature.channels]);
  const isFaster = (all: readonly number[]) => {
    const known = nearest(times, median(all));
    return known !== undefined && fasterForm(known) === 'rectangle';
  };
  return [...channels].flatMap(([level, all]) => (isFaster(all) ? [level] : [])).sort((a, b) => a - b);
}

function nearest(times: readonly ConvolutionTimes[], channels: number): ConvolutionTimes | undefined {
  const distance = (one: ConvolutionTimes) => Math.abs(Math.log(one.channels / channels));
  return times.toSorted((a, b) => distance(a) - distance(b))[0];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
