import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';

/** Sizes of an upscaler, from the names and shapes in its file. */
export type UpscalerShape =
  | {
      kind: 'rrdb';
      /** Colours times the square of `fold`. */
      inputs: number;
      features: number;
      growth: number;
      blocks: number;
      /** How often the features are doubled in size. */
      doublings: number;
      /** The image's fold × fold pixels become channels first. */
      fold: 1 | 2 | 4;
    }
  | { kind: 'compact'; features: number; layers: number; scale: number };

/** How many times larger the result is. */
export function scaleOf(shape: UpscalerShape): number {
  return shape.kind === 'compact' ? shape.scale : 2 ** shape.doublings / shape.fold;
}

/**
 * ESRGAN's generator (Wang et al. 2018; BasicSR's RRDBNet): `image` [1, C, H, W] in 0 … 1 → `image` of 2^doublings
 * times the size. Residual dense blocks of five convolutions, scaled by 0.2, three in a block.
 */
function rrdbNet({ inputs, features, growth, blocks, doublings }: UpscalerShape & { kind: 'rrdb' }): Network {
  const net = new NetworkBuilder();
  const leaky = (x: FeatureMap) => net.activation(x, 'leaky_relu');
  const dense = (path: string, input: FeatureMap): FeatureMap => {
    const seen: [FeatureMap, ...FeatureMap[]] = [input];
    for (let i = 1; i <= 4; i++)
      seen.push(leaky(net.convolution(`${path}.conv${i}`, joined(net, seen), growth)));
    return net.sum(net.affine(net.convolution(`${path}.conv5`, joined(net, seen), features), 0.2, 0), input);
  };
  const first = net.convolution('conv_first', net.inputMap('image', inputs, doublings), features);
  let x = first;
  for (let i = 0; i < blocks; i++) {
    let y = x;
    for (const rdb of [1, 2, 3]) y = dense(`body.${i}.rdb${rdb}`, y);
    x = net.sum(net.affine(y, 0.2, 0), x);
  }
  x = net.sum(net.convolution('conv_body', x, features), first);
  for (let i = 1; i <= doublings; i++)
    x = leaky(net.convolution(`conv_up${i}`, x, features, { upsample: true }));
  x = leaky(net.convolution('conv_hr', x, features));
  net.output('larger', net.convolution('conv_last', x, 3));
  return net.build('upscaler');
}

function joined(net: NetworkBuilder, maps: readonly [FeatureMap, ...FeatureMap[]]): FeatureMap {
  return maps.length === 1 ? maps[0] : net.concat([...maps]);
}

/**
 * Real-ESRGAN's compact network (SRVGGNetCompact): `image` [1, 3, H, W] in 0 … 1 → `larger` [1, 3 · s², H, W], the
 * pixels of the result as channels, to which the image itself is still to be added.
 */
function compactNet({ features, layers, scale }: UpscalerShape & { kind: 'compact' }): Network {
  const net = new NetworkBuilder();
  const last = 2 * layers + 2;
  let x: FeatureMap = net.inputMap('image', 3, 0);
  for (let i = 0; i < last; i += 2) x = net.prelu(`body.${i + 1}`, net.convolution(`body.${i}`, x, features));
  net.output('larger', net.convolution(`body.${last}`, x, 3 * scale ** 2));
  return net.build('upscaler');
}

export function upscalerNetwork(shape: UpscalerShape): Network {
  return shape.kind === 'rrdb' ? rrdbNet(shape) : compactNet(shape);
}

/** ESRGAN's first names of the outer layers, by doublings: those of later files, which the network uses. */
export function originalNames(blocks: number, doublings: number): (name: string) => string {
  const outer: Record<string, string> = { conv_first: 'model.0', conv_body: `model.1.sub.${blocks}` };
  for (let i = 1; i <= doublings; i++) outer[`conv_up${i}`] = `model.${3 * i}`;
  outer.conv_hr = `model.${3 * doublings + 2}`;
  outer.conv_last = `model.${3 * doublings + 4}`;
  return (name) => {
    const [, path = name, ending = ''] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
    const [, block, rdb, conv] = /^body\.(\d+)\.rdb([123])\.conv([1-5])$/.exec(path) ?? [];
    const old = block === undefined ? outer[path] : `model.1.sub.${block}.RDB${rdb}.conv${conv}.0`;
    return `${old ?? path}.${ending}`;
  };
}
