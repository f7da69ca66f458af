import { countMacs, type MacCount } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import type { FeatureMap } from '../../graph/values.ts';
import { type TokenFeatures, tokenFeaturesOf } from '../../regions/token-features.ts';
import { imageArea } from '../condition.ts';
import type { TokenPlan } from './token-plan.ts';

/**
 * Multiply–accumulates of one run of a transformer over a part of its positions. Rows of the record that are computed
 * again, to take them off the sums and around the part, are counted too.
 */
export function countRegion(
  network: Network,
  plan: TokenPlan,
  { batch, tokens }: { batch: number; tokens: number },
  features: TokenFeatures = tokenFeaturesOf(network),
): MacCount {
  const { active, halo, height, width, references } = plan;
  const more = new Map<number, number>();
  if (active.length < height * width) {
    for (const { chain } of features.attentions)
      for (const { output } of chain) more.set(output.id, active.length);
    for (const { chain } of features.windows)
      for (const { output } of chain) more.set(output.id, halo.length);
  }
  const rows = (map: FeatureMap) => plan.at(map).computed.length + (more.get(map.id) ?? 0);
  const extent = { height, width, batch, tokens, references: imageArea(references) };
  return countMacs(network, extent, rows);
}
