import { type Coding, codedBytes } from '../../shared/codings.ts';
import type { Bands } from '../execution/bands/bands.ts';
import { planExchange } from '../execution/bands/exchange.ts';
import type { Feature } from '../regions/features.ts';

/** Bytes that one band takes from the others after each step. */
export function receivedBytes(
  features: readonly Feature[],
  bands: Bands,
  index: number,
  batch: number,
  coding: Coding,
): number {
  const { sent } = planExchange(features, bands, index);
  return sent.reduce((bytes, { taken, perImage, channels, isExact }) => {
    const rows = taken.reduce((sum, from, band) => sum + (band === index ? 0 : from.length), 0);
    return bytes + codedBytes(isExact ? 'float32' : coding, perImage * batch * rows, channels);
  }, 0);
}
