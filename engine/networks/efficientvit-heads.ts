import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { type BackboneConfig, backbone } from './efficientvit.ts';
import { type BlockStyle, fusedMbConv, layer, mbConv, resBlock } from './efficientvit-blocks.ts';

export interface ClassifierConfig {
  backbone: BackboneConfig;
  /** Channels of the layers before and after the mean over all positions. */
  widths: readonly [number, number];
  classes: number;
}

/** Normalized `image` [B, 3, H, W] → `logits` [B, classes]. */
export function efficientVitClassifier({ backbone: config, widths, classes }: ClassifierConfig): Network {
  const net = new NetworkBuilder();
  const { activation, epsilon } = config;
  const last = backbone(net, 'backbone.', net.inputMap('image', 3, 0), config).at(-1)!;
  const wide = layer(net, 'head.op_list.0', last, widths[0], { activation, epsilon });
  let x = net.linear('head.op_list.2.linear', net.globalAverage(wide), widths[1], { bias: false });
  x = net.activation(net.layerNorm('head.op_list.2.norm', x, epsilon), activation);
  net.output('logits', net.linear('head.op_list.3.linear', x, classes));
  return net.build('efficientvit-classifier');
}

/** Fusion of the maps of several stages: projected to one width, resized to one size, added, then blocks. */
export interface FusionConfig {
  width: number;
  depth: number;
  expand: number;
  block: 'mb' | 'fused' | 'res';
}

const FUSION_BLOCKS = { mb: mbConv, fused: fusedMbConv, res: resBlock };

/** @param maps one for each stage, the coarsest first; the result has the size of the last one */
function fusion(
  net: NetworkBuilder,
  path: string,
  maps: readonly FeatureMap[],
  { width, depth, expand, block }: FusionConfig,
  style: BlockStyle,
  /** Whether the checkpoint numbers the layers of a projection without resizing like those of one with it. */
  inSequence: boolean,
): FeatureMap {
  const { level } = maps.at(-1)!;
  const { epsilon } = style;
  const brought = maps.map((map, i) => {
    const enlarged = map.level > level;
    const own = `${path}.input_ops.${i}${enlarged || inSequence ? '.op_list.0' : ''}`;
    const projected = layer(net, own, map, width, { epsilon });
    return enlarged ? net.enlarge(projected, level) : projected;
  });
  let x = brought.reduce((a, b) => net.sum(a, b));
  for (let i = 0; i < depth; i++)
    x = net.sum(
      FUSION_BLOCKS[block](net, `${path}.middle.op_list.${i}.main`, x, width, { ...style, expand }),
      x,
    );
  return x;
}

interface SegmentationConfig {
  backbone: BackboneConfig;
  fusion: FusionConfig;
  /** Channels before the last layer, as a multiple of the fusion's channels; 1 leaves this layer out. */
  finalExpand: number;
  classes: number;
}

/** Normalized `image` [B, 3, H, W] → `logits` [B, classes, H/8, W/8]. */
export function efficientVitSegmentation(config: SegmentationConfig): Network {
  const net = new NetworkBuilder();
  const { backbone: spine, finalExpand, classes } = config;
  const maps = backbone(net, 'backbone.', net.inputMap('image', 3, 0), spine);
  let x = fusion(net, 'head', [maps[4]!, maps[3]!, maps[2]!], config.fusion, spine, false);
  const { activation, epsilon } = spine;
  const output = 'head.output_ops.0.op_list';
  if (finalExpand > 1) x = layer(net, `${output}.0`, x, x.channels * finalExpand, { activation, epsilon });
  net.output('logits', layer(net, `${output}.${finalExpand > 1 ? 1 : 0}`, x, classes, { bias: true }));
  return net.build('efficientvit-segmentation');
}

export interface SamEncoderConfig {
  backbone: BackboneConfig;
  neck: FusionConfig;
  /** Stages that the neck reads, the coarsest first; the embedding has the size of the last one. */
  stages: readonly number[];
  /** Channels of the embedding. */
  channels: number;
}

/** Normalized `input_image` [B, 3, S, S] → `image_embeddings` [B, C, s, s] (EfficientViT-SAM; Zhang et al. 2024). */
export function samEncoder({ backbone: spine, neck, stages, channels }: SamEncoderConfig): Network {
  const net = new NetworkBuilder();
  const maps = backbone(net, 'image_encoder.backbone.', net.inputMap('input_image', 3, 0), spine);
  const read = stages.map((stage) => maps[stage]!);
  const style = { activation: spine.activation, epsilon: spine.epsilon };
  const fused = fusion(net, 'image_encoder.neck', read, neck, style, true);
  const y = layer(net, 'image_encoder.neck.output_ops.0.op_list.0', fused, channels, { bias: true });
  net.output('image_embeddings', net.layerNorm('image_encoder.norm', y, spine.epsilon));
  return net.build('efficientvit-sam-encoder');
}
