import type { NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Features, Tokens } from '../graph/values.ts';

/** An image and a text that attend together. */
export interface Streams<Text = Tokens> {
  image: FeatureMap;
  text: Text;
}

interface ProjectionOptions {
  channels: number;
  heads: number;
  /** Epsilon of the RMS norms of queries and keys, one for each head. */
  epsilon: number;
  bias: boolean;
}

/**
 * Queries, keys and values of both streams, the text's before the image's (the projections of diffusers' joint
 * attention).
 */
export function jointProjections(
  net: NetworkBuilder,
  path: string,
  { image, text }: Streams,
  { channels, heads, epsilon, bias }: ProjectionOptions,
) {
  const projected = <T extends Features>(x: T, name: string, norm?: string): T => {
    const y = net.linear(`${path}.${name}`, x, channels, { bias });
    return norm ? net.rmsNorm(`${path}.${norm}`, y, epsilon, { heads }) : y;
  };
  const query = net.joinImage(
    projected(text, 'add_q_proj', 'norm_added_q'),
    projected(image, 'to_q', 'norm_q'),
  );
  const key = net.joinImage(
    projected(text, 'add_k_proj', 'norm_added_k'),
    projected(image, 'to_k', 'norm_k'),
  );
  const value = net.joinImage(projected(text, 'add_v_proj'), projected(image, 'to_v'));
  return { query, key, value };
}
