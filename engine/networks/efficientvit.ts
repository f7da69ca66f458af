import type { NetworkBuilder } from '../graph/network.ts';
import type { ActivationName } from '../graph/operators.ts';
import type { FeatureMap } from '../graph/values.ts';
import {
  attentionBlock,
  type BlockOptions,
  type BlockStyle,
  dsConv,
  fusedMbConv,
  layer,
  mbConv,
  resBlock,
} from './efficientvit-blocks.ts';

/** Blocks of a stage. `attention@3` aggregates its second scale over 3×3 windows, `attention` over 5×5. */
export type StageBlock = 'ds' | 'res' | 'mb' | 'fused' | 'attention' | 'attention@3';

/** A stage of a backbone: half the height and width of the stage before. */
interface StageConfig {
  channels: number;
  /** Blocks after the one that halves the resolution. */
  depth: number;
  block: StageBlock;
  /** Channels inside a block, as a multiple of the stage's channels. */
  expand: number;
  /** The same for the block that halves the resolution. The stem, stage 0, has a convolution instead. */
  downExpand: number;
  /** Batch norm only after the last layer of a block. */
  fewerNorm: boolean;
}

/** An EfficientViT without its head (Cai et al., ICCV 2023). */
export interface BackboneConfig extends BlockStyle {
  /** From the stem on. */
  stages: readonly StageConfig[];
  /** Channels of q, of k and of v in one attention head. */
  headChannels: number;
  /** How checkpoints number the stages: those of B keep the stem apart. */
  stemApart: boolean;
}

/** The small backbones, B: MBConv, then attention in the two coarsest stages. */
export function smallBackbone(
  widths: readonly number[],
  depths: readonly number[],
  headChannels: number,
  style: BlockStyle = { activation: 'hard_swish', epsilon: 1e-5 },
): BackboneConfig {
  const stages = widths.map((channels, i): StageConfig => {
    if (i === 0)
      return { channels, depth: depths[0]!, block: 'ds', expand: 1, downExpand: 1, fewerNorm: false };
    const attends = i >= 3;
    const depth = attends ? depths[i]! : depths[i]! - 1;
    return {
      channels,
      depth,
      block: attends ? 'attention' : 'mb',
      expand: 4,
      downExpand: 4,
      fewerNorm: attends,
    };
  });
  return { stages, headChannels, stemApart: true, ...style };
}

const LARGE_BLOCKS: readonly StageBlock[] = ['res', 'fused', 'fused', 'mb', 'attention'];
const LARGE_EXPAND = [1, 4, 4, 4, 6];
const LARGE_FEWER_NORM = [false, false, false, true, true];

/** The large backbones, L: convolutions of all channels in the fine stages, attention in the coarsest. */
export function largeBackbone(
  widths: readonly number[],
  depths: readonly number[],
  options: {
    blocks?: readonly StageBlock[];
    expand?: readonly number[];
    fewerNorm?: readonly boolean[];
    headChannels?: number;
    epsilon?: number;
    activation?: ActivationName;
  } = {},
): BackboneConfig {
  const { blocks = LARGE_BLOCKS, expand = LARGE_EXPAND, fewerNorm = LARGE_FEWER_NORM } = options;
  const { headChannels = 32, epsilon = 1e-7, activation = 'gelu_tanh' } = options;
  const stages = widths.map(
    (channels, i): StageConfig => ({
      channels,
      depth: depths[i]!,
      block: blocks[i]!,
      expand: expand[i]!,
      downExpand: 4 * expand[i]!,
      fewerNorm: fewerNorm[i]!,
    }),
  );
  return { stages, headChannels, stemApart: false, epsilon, activation };
}

/** The map of every stage, from the stem at half the image's size. `image` is at level 0. */
export function backbone(
  net: NetworkBuilder,
  prefix: string,
  image: FeatureMap,
  config: BackboneConfig,
): FeatureMap[] {
  const maps: FeatureMap[] = [];
  let x = image;
  for (const [i, stage] of config.stages.entries()) {
    const stages =
      config.stemApart && i > 0 ? `stages.${i - 1}` : config.stemApart ? 'input_stem' : `stages.${i}`;
    const path = `${prefix}${stages}.op_list`;
    x = i === 0 ? stem(net, `${path}.0`, x, stage, config) : down(net, `${path}.0.main`, x, stage, config);
    for (let j = 1; j <= stage.depth; j++) x = block(net, `${path}.${j}`, x, stage, config);
    maps.push(x);
  }
  return maps;
}

function stem(
  net: NetworkBuilder,
  path: string,
  image: FeatureMap,
  { channels }: StageConfig,
  { activation, epsilon }: BackboneConfig,
): FeatureMap {
  return layer(net, path, image, channels, { kernel: 3, stride: 2, activation, epsilon });
}

/** The block that halves the resolution; it has no residual. */
function down(
  net: NetworkBuilder,
  path: string,
  x: FeatureMap,
  stage: StageConfig,
  { activation, epsilon }: BackboneConfig,
): FeatureMap {
  const { downExpand, fewerNorm, channels } = stage;
  const options: BlockOptions = { activation, epsilon, stride: 2, expand: downExpand, fewerNorm };
  return (stage.block === 'fused' ? fusedMbConv : mbConv)(net, path, x, channels, options);
}

const LOCAL_BLOCKS = { ds: dsConv, res: resBlock, mb: mbConv, fused: fusedMbConv };

function block(
  net: NetworkBuilder,
  path: string,
  x: FeatureMap,
  stage: StageConfig,
  { activation, epsilon, headChannels }: BackboneConfig,
): FeatureMap {
  const { expand, fewerNorm, channels } = stage;
  if (stage.block === 'attention' || stage.block === 'attention@3') {
    const scale = stage.block === 'attention' ? 5 : 3;
    return attentionBlock(net, path, x, { activation, epsilon, expand, headChannels, scale });
  }
  const options = { activation, epsilon, expand, fewerNorm };
  return net.sum(LOCAL_BLOCKS[stage.block](net, `${path}.main`, x, channels, options), x);
}
