import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import {
  type BackboneConfig,
  largeBackbone,
  type StageBlock,
  smallBackbone,
} from '../networks/efficientvit.ts';
import type { SegmenterConfig } from '../networks/efficientvit-config.ts';
import {
  efficientVitClassifier,
  efficientVitSegmentation,
  type FusionConfig,
  samEncoder,
} from '../networks/efficientvit-heads.ts';
import { type MaskDecoderConfig, maskDecoder } from '../networks/mask-decoder.ts';

/** A network of a published EfficientViT. */
interface VisionPart {
  make: () => Network;
  /** Image pixels per position of level 0, along one side. */
  scale: number;
}

/** Networks by part; the first is the default. */
type VisionParts = Readonly<Partial<Record<VisionPartName, VisionPart>>>;

export const VISION_PARTS = ['image-encoder', 'mask-decoder', 'classifier', 'segmentation'] as const;
export type VisionPartName = (typeof VISION_PARTS)[number];

/** Published backbones: channels and depths of the stages, and channels of an attention head. */
const SMALL: Readonly<
  Record<string, readonly [widths: readonly number[], depths: readonly number[], headChannels: number]>
> = {
  b0: [[8, 16, 32, 64, 128], [1, 2, 2, 2, 2], 16],
  b1: [[16, 32, 64, 128, 256], [1, 2, 3, 3, 4], 16],
  b2: [[24, 48, 96, 192, 384], [1, 3, 4, 4, 6], 32],
  b3: [[32, 64, 128, 256, 512], [1, 4, 6, 6, 9], 32],
};
const LARGE: Readonly<Record<string, readonly [widths: readonly number[], depths: readonly number[]]>> = {
  l0: [
    [32, 64, 128, 256, 512],
    [1, 1, 1, 4, 4],
  ],
  l1: [
    [32, 64, 128, 256, 512],
    [1, 1, 1, 6, 6],
  ],
  l2: [
    [32, 64, 128, 256, 512],
    [1, 2, 2, 8, 8],
  ],
  l3: [
    [64, 128, 256, 512, 1024],
    [1, 2, 2, 8, 8],
  ],
  xl0: [
    [32, 64, 128, 256, 512, 1024],
    [0, 1, 1, 2, 3, 3],
  ],
  xl1: [
    [32, 64, 128, 256, 512, 1024],
    [1, 2, 2, 4, 6, 6],
  ],
};

/** Epsilon of every norm in EfficientViT-SAM. */
const SAM_EPSILON = 1e-6;

function backboneNamed(name: string): BackboneConfig {
  const small = SMALL[name];
  return small ? smallBackbone(...small) : largeBackbone(...LARGE[name]!);
}

/** Classification of ImageNet: channels of the head. */
const CLASSIFIERS: Readonly<Record<string, readonly [number, number]>> = {
  b0: [1024, 1280],
  b1: [1536, 1600],
  b2: [2304, 2560],
  b3: [2304, 2560],
  l1: [3072, 3200],
  l2: [3072, 3200],
  l3: [6144, 6400],
};

/**
 * Semantic segmentation: the head's width, depth and expansion, its blocks, and the expansion before the last layer.
 */
type SegmentationHead = readonly [
  width: number,
  depth: number,
  expand: number,
  block: FusionConfig['block'],
  final: number,
];
const SEGMENTATION: Readonly<
  Record<string, { classes: number; heads: Readonly<Record<string, SegmentationHead>> }>
> = {
  cityscapes: {
    classes: 19,
    heads: {
      b0: [32, 1, 4, 'mb', 4],
      b1: [64, 3, 4, 'mb', 4],
      b2: [96, 3, 4, 'mb', 4],
      b3: [128, 3, 4, 'mb', 4],
      l1: [256, 3, 1, 'fused', 1],
      l2: [256, 5, 1, 'fused', 1],
    },
  },
  ade20k: {
    classes: 150,
    heads: {
      b1: [64, 3, 4, 'mb', 1],
      b2: [96, 3, 4, 'mb', 1],
      b3: [128, 3, 4, 'mb', 1],
      l1: [128, 3, 4, 'fused', 8],
      l2: [128, 3, 4, 'fused', 8],
    },
  },
};

/** Neck depths of EfficientViT-SAM. */
const SAM_NECKS: Readonly<Record<string, number>> = { l0: 4, l1: 8, l2: 12, xl0: 6, xl1: 12 };

/** Variants of EfficientViT-SAM. */
export const SAM_NAMES: readonly string[] = Object.keys(SAM_NECKS);

/** EfficientViT-SAM keeps Segment Anything's decoder. */
export const SAM_DECODER: MaskDecoderConfig = {
  channels: 256,
  heads: 8,
  depth: 2,
  mlpChannels: 2048,
  attentionDownsample: 2,
  scoreChannels: 256,
  scoreDepth: 3,
  maskChannels: 16,
  frame: 1024,
  epsilon: SAM_EPSILON,
};

/** Mean and deviation of ImageNet's channels, 0 … 255. */
const MEAN = [123.675, 116.28, 103.53] as const;
const DEVIATION = [58.395, 57.12, 57.375] as const;

/** A published EfficientViT-SAM: `l0`, `l1`, `l2`, `xl0` or `xl1`. */
export function samConfig(name: string): SegmenterConfig {
  const large = name.startsWith('xl');
  const blocks: StageBlock[] = ['res', 'fused', 'fused', 'fused', 'attention@3', 'attention@3'];
  const backbone = largeBackbone(...LARGE[name]!, {
    ...(large && {
      blocks,
      expand: [1, 4, 4, 4, 4, 6],
      fewerNorm: [false, false, false, false, true, true],
    }),
    epsilon: SAM_EPSILON,
  });
  const neck: FusionConfig = { width: 256, depth: SAM_NECKS[name]!, expand: large ? 4 : 1, block: 'fused' };
  return {
    input: { size: large ? 1024 : 512, mean: MEAN, deviation: DEVIATION },
    encoder: { backbone, neck, stages: large ? [5, 4, 3] : [4, 3, 2], channels: SAM_DECODER.channels },
    decoder: SAM_DECODER,
  };
}

function sam(name: string): VisionParts {
  const { encoder, decoder } = samConfig(name);
  return {
    'image-encoder': { make: () => samEncoder(encoder), scale: 1 },
    // Masks are four times as large as the embedding.
    'mask-decoder': {
      make: () => maskDecoder(decoder, { refine: false }),
      scale: 2 ** encoder.stages.at(-1)! / 2,
    },
  };
}

function classifier(name: string, widths: readonly [number, number]): VisionParts {
  const make = () => efficientVitClassifier({ backbone: backboneNamed(name), widths, classes: 1000 });
  return { classifier: { make, scale: 1 } };
}

function segmentation(name: string, classes: number, head: SegmentationHead): VisionParts {
  const [width, depth, expand, block, finalExpand] = head;
  const fusion = { width, depth, expand, block };
  const make = () =>
    efficientVitSegmentation({ backbone: backboneNamed(name), fusion, finalExpand, classes });
  return { segmentation: { make, scale: 1 } };
}

/** EfficientViT's published variants: classifiers, semantic segmentation, EfficientViT-SAM. */
export const VISION_ARCHITECTURES: Readonly<Record<string, VisionParts>> = Object.fromEntries([
  ...Object.entries(CLASSIFIERS).map(([name, widths]) => [`efficientvit-${name}`, classifier(name, widths)]),
  ...Object.entries(SEGMENTATION).flatMap(([dataset, { classes, heads }]) =>
    Object.entries(heads).map(([name, head]) => [
      `efficientvit-seg-${name}-${dataset}`,
      segmentation(name, classes, head),
    ]),
  ),
  ...SAM_NAMES.map((name) => [`efficientvit-sam-${name}`, sam(name)]),
]);

/** A network of a published variant. @throws InputError that lists its parts. */
export function visionPart(architecture: string, name?: string): { name: string; part: VisionPart } {
  const parts: Readonly<Record<string, VisionPart>> = VISION_ARCHITECTURES[architecture]!;
  const chosen = name ?? Object.keys(parts)[0]!;
  const part = parts[chosen];
  if (!part)
    throw new InputError(`${architecture} has no ${chosen}; its parts: ${Object.keys(parts).join(', ')}.`);
  return { name: chosen, part };
}
