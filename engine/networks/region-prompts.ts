import type { NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import type { Divide } from './blocks.ts';
import { attendedLevels } from './unet-blocks.ts';
import type { UNetConfig } from './unet-config.ts';

/** Inputs of a region's prompt, counted from 1; 0 is the prompt of the whole image, which has no text here. */
export const regionNames = (region: number) => ({
  text: `region.${region}.text`,
  share: (level: number) => `region.${region}.share.${level}`,
});

/**
 * Prompts of regions: each position attends to several texts one by one, and their results are mixed by its shares, as
 * in Attention Couple of ComfyUI. Self-attention still sees the whole image, so that the regions fit together. Inputs
 * of each region, and for the prompt itself without a text: `region.<r>.text` [B, L, C] and `region.<r>.share.<level>`
 * [1, 1, H, W], which sum to 1 at every position.
 */
export function dividing(
  net: NetworkBuilder,
  config: UNetConfig,
  regions: number,
): { divide: Divide } | undefined {
  if (regions === 0) return undefined;
  const channels = config.down[0]!.crossChannels;
  const inputs = Array.from({ length: regions + 1 }, (_, region) => {
    const names = regionNames(region);
    const shares = new Map(
      attendedLevels(config).map((level) => [level, net.inputMap(names.share(level), 1, level)] as const),
    );
    return { shares, ...(region > 0 && { text: net.inputTokens(names.text, channels) }) };
  });
  return {
    divide: (path, query, seen, heads) => {
      const shareOf = (region: number) => inputs[region]!.shares.get(query.level)!;
      let sum: FeatureMap = net.masked(seen, shareOf(0));
      for (const [region, { text }] of inputs.entries()) {
        if (!text) continue;
        const key = net.linear(`${path}.to_k`, text, seen.channels, { bias: false });
        const value = net.linear(`${path}.to_v`, text, seen.channels, { bias: false });
        const found = net.attention(`${path}.region.${region}`, query, key, value, heads);
        sum = net.sum(sum, net.masked(found, shareOf(region)));
      }
      return sum;
    },
  };
}
