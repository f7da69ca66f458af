import type { Coding, Split } from '../../shared/api.ts';
import { bandSizes, wholeCutting } from '../execution/bands/bands.ts';
import { planBands } from '../execution/bands/exchange.ts';
import { countMacs } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import { featuresOf, levelCount } from '../regions/features.ts';
import { divide, type Part } from './layout.ts';
import { receivedBytes } from './volume.ts';

/** Workers and the links between them. */
interface Machines {
  /** Multiply–accumulates a second of one worker. */
  rate: number;
  /** Seconds of a step that do not depend on the number of workers. */
  overhead: number;
  /** Bytes a second that one worker receives. */
  bandwidth: number;
  /** Seconds for one message. */
  latency: number;
  /** Whether features travel while the next step is computed, as in DistriFusion; here they travel between steps. */
  overlapped: boolean;
}

/** Rates of links, in bytes a second and seconds. */
export const LINKS = {
  nvlink: { bandwidth: 300e9, latency: 10e-6 },
  'ethernet-10g': { bandwidth: 1.1e9, latency: 100e-6 },
  'ethernet-1g': { bandwidth: 110e6, latency: 300e-6 },
  wifi: { bandwidth: 25e6, latency: 3e-3 },
} as const;

/** One worker's share of a displaced step. */
interface PartCost {
  part: Part;
  macs: number;
  receivedBytes: number;
}

/** What each of `count` equal workers computes and receives in a displaced step. */
export function partCosts(
  network: Network,
  extent: { height: number; width: number; batch: number; tokens: number },
  count: number,
  coding: Coding,
  split: Split = 'auto',
): PartCost[] {
  const features = featuresOf(network);
  const levels = levelCount(features);
  const speeds = new Array<number>(count).fill(1);
  const { parts } = divide(speeds, extent.batch, wholeCutting(extent, levels, network.cell), split);
  const divisions = new Set(parts.map(({ bands }) => bands));
  const plans = new Map([...divisions].map((bands) => [bands, planBands(bands)]));
  return parts.map((part) => {
    const { bands, index, branch } = part;
    const batch = branch === undefined ? extent.batch : 1;
    const active = Array.from({ length: levels }, (_, level) => bandSizes(bands, level)[index]!);
    return {
      part,
      macs: countMacs(network, { ...extent, batch }, active).total,
      receivedBytes: receivedBytes(features, plans.get(bands)!, index, batch, coding),
    };
  });
}

/** Seconds of a displaced step, which is that of the slowest worker. */
export function stepSeconds(parts: readonly PartCost[], machines: Machines): number {
  const { rate, overhead, bandwidth, latency, overlapped } = machines;
  const seconds = parts.map(({ macs, receivedBytes: bytes }) => {
    const computing = macs / rate;
    const travelling = bytes === 0 ? 0 : latency + bytes / bandwidth;
    return overlapped ? Math.max(computing, travelling) : computing + travelling;
  });
  return overhead + Math.max(...seconds);
}
