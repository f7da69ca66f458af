import type { NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';

/**
 * GLUMBConv of SANA (Xie et al. 2025): an inverted residual whose depthwise convolution is followed by a gated unit,
 * a · silu(b) of the halves (Shazeer 2020). No residual and no norm.
 * @param hidden channels of each half
 */
export function gatedConvolution(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  hidden: number,
): FeatureMap {
  const wide = net.linear(`${path}.conv_inverted`, input, 2 * hidden, { conv: true });
  const active = net.activation(wide, 'silu');
  const local = net.convolution(`${path}.conv_depth`, active, 2 * hidden, { groups: 2 * hidden });
  const [value, gate] = net.splitChannels(local, 2);
  const gated = net.product(value!, net.activation(gate!, 'silu'));
  return net.linear(`${path}.conv_point`, gated, input.channels, { conv: true, bias: false });
}
