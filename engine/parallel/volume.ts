import { type Coding, codedBytes } from '../../shared/codings.ts';
import { planExchange } from '../execution/bands/exchange.ts';
import type { Feature } from '../regions/features.ts';
import type { RegionPlan } from '../regions/plan.ts';

/** Bytes that one band takes from the others after each step. @param plans of all bands */
export function receivedBytes(
  features: readonly Feature[],
  plans: readonly RegionPlan[],
  index: number,
  batch: number,
  coding: Coding,
): number {
  const { sent } = planExchange(features, plans, index);
  return sent.reduce((bytes, { taken, perImage, channels, isExact }) => {
    const rows = taken.reduce((sum, from, band) => sum + (band === index ? 0 : from.length), 0);
    return bytes + codedBytes(isExact ? 'float32' : coding, perImage * batch * rows, channels);
  }, 0);
}
