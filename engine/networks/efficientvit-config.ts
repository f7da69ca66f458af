import * as z from 'zod';
import { InputError } from '../errors.ts';
import type { ActivationName } from '../graph/operators.ts';
import { channelCount, epsilon, parseConfig, smallCount, supported } from './config.ts';
import { type BackboneConfig, largeBackbone, type StageBlock, smallBackbone } from './efficientvit.ts';
import type { ClassifierConfig, SamEncoderConfig } from './efficientvit-heads.ts';
import type { MaskDecoderConfig } from './mask-decoder.ts';

/** Activations by the names in EfficientViT's configs. */
const ACTIVATIONS: Readonly<Record<string, ActivationName>> = {
  hswish: 'hard_swish',
  gelu: 'gelu_tanh',
  relu: 'relu',
};
const BLOCKS: Readonly<Record<string, StageBlock>> = {
  res: 'res',
  fmb: 'fused',
  mb: 'mb',
  att: 'attention',
  'att@3': 'attention@3',
};
const FUSIONS = { mb: 'mb', fmb: 'fused', res: 'res' } as const;

const activation = supported(['hswish', 'gelu', 'relu']);
const expansion = z.number().positive().max(32);
const perStage = <Schema extends z.ZodType>(item: Schema) => z.array(item).min(3).max(8);
const stages = { width_list: perStage(channelCount), depth_list: perStage(smallCount), act_func: activation };
const backboneSchema = z.discriminatedUnion('family', [
  z.object({
    family: z.literal('base'),
    ...stages,
    dim: channelCount,
    expand_ratio: supported([4]).default(4),
  }),
  z.object({
    family: z.literal('large'),
    ...stages,
    block_list: perStage(supported(['res', 'fmb', 'mb', 'att', 'att@3'])),
    expand_list: perStage(expansion),
    fewer_norm_list: perStage(z.boolean()),
    qkv_dim: channelCount,
  }),
]);

const rgb = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();
const input = {
  image_size: z.number().int().min(32).max(2048).multipleOf(32),
  image_mean: rgb,
  image_std: z.tuple([positive, positive, positive]),
  norm_eps: epsilon,
};

/** How an image is resized and normalized for a network. */
export interface PictureInput {
  /** Side of the square input, in pixels. */
  size: number;
  /** Mean and deviation of each channel, 0 … 255. */
  mean: readonly [number, number, number];
  deviation: readonly [number, number, number];
}

const segmenterSchema = z.object({
  model_type: supported(['efficientvit-sam']),
  ...input,
  backbone: backboneSchema,
  neck: z.object({
    fid_list: z
      .array(z.string().regex(/^stage[0-7]$/, 'must be a stage, e.g. stage4'))
      .min(1)
      .max(8),
    head_width: channelCount,
    head_depth: smallCount,
    expand_ratio: expansion,
    middle_op: supported(['mb', 'fmb', 'res']),
    out_dim: channelCount.multipleOf(8),
    act_func: activation,
  }),
  prompt_encoder: z.object({ input_image_size: channelCount, mask_in_chans: channelCount.multipleOf(4) }),
  mask_decoder: z.object({
    num_multimask_outputs: supported([3]),
    depth: smallCount.min(1),
    num_heads: smallCount.min(1),
    mlp_dim: channelCount,
    attention_downsample_rate: smallCount.min(1),
    iou_head_depth: smallCount.min(1),
    iou_head_hidden_dim: channelCount,
  }),
});

/** A promptable segmenter: the plans of its encoder and decoder. */
export interface SegmenterConfig {
  input: PictureInput;
  encoder: SamEncoderConfig;
  decoder: MaskDecoderConfig;
}

/** `config.json` of a segmenter: EfficientViT-SAM with the fields of its own constructors. */
export function parseSegmenterConfig(json: unknown, origin: string): SegmenterConfig {
  const config = parseConfig(segmenterSchema, json, origin);
  const { neck, mask_decoder: decoder, prompt_encoder: prompt, norm_eps } = config;
  const inner = neck.out_dim / decoder.attention_downsample_rate;
  if (!Number.isInteger(inner / decoder.num_heads))
    throw new InputError(
      `${origin}: ${inner} channels cannot be divided among ${decoder.num_heads} attention heads.`,
    );
  const backbone = backboneOf(config.backbone, norm_eps, origin);
  const read = neck.fid_list.map((name) => Number(name.slice('stage'.length)));
  const last = backbone.stages.length - 1;
  if (read.some((stage, i) => stage > last || stage < read.at(-1)! || read.indexOf(stage) !== i))
    throw new InputError(`${origin}: neck.fid_list must name stages up to ${last}, the finest last.`);
  if (neck.act_func !== config.backbone.act_func)
    throw new InputError(`${origin}: neck and backbone must have the same act_func.`);
  return {
    input: inputOf(config),
    encoder: {
      backbone,
      neck: {
        width: neck.head_width,
        depth: neck.head_depth,
        expand: neck.expand_ratio,
        block: FUSIONS[neck.middle_op],
      },
      stages: read,
      channels: neck.out_dim,
    },
    decoder: {
      channels: neck.out_dim,
      heads: decoder.num_heads,
      depth: decoder.depth,
      mlpChannels: decoder.mlp_dim,
      attentionDownsample: decoder.attention_downsample_rate,
      scoreChannels: decoder.iou_head_hidden_dim,
      scoreDepth: decoder.iou_head_depth,
      maskChannels: prompt.mask_in_chans,
      frame: prompt.input_image_size,
      epsilon: norm_eps,
    },
  };
}

const groupSchema = z
  .object({
    name: z.string().max(64),
    activation: supported(['sigmoid', 'softmax']),
    values: z.array(z.string().max(128)).min(1).max(10_000),
    phrases: z.array(z.string().max(256)).min(1).max(10_000),
  })
  .refine(({ values, phrases }) => values.length === phrases.length, 'must have as many phrases as values');
const taggerSchema = z.object({
  model_type: supported(['efficientvit-tagger']),
  ...input,
  backbone: backboneSchema,
  head: z.object({ width_list: z.tuple([channelCount, channelCount]), act_func: activation }),
  labels: z.array(groupSchema).min(1).max(64),
});

/** Labels that are present or not independently (`sigmoid`), or exactly one of which applies (`softmax`). */
export type LabelGroup = z.output<typeof groupSchema>;

/** A multi-label classifier, and the labels of its outputs, group by group. */
export interface TaggerConfig {
  input: PictureInput;
  classifier: ClassifierConfig;
  labels: readonly LabelGroup[];
}

/** `config.json` of a tagger. */
export function parseTaggerConfig(json: unknown, origin: string): TaggerConfig {
  const config = parseConfig(taggerSchema, json, origin);
  if (config.head.act_func !== config.backbone.act_func)
    throw new InputError(`${origin}: head and backbone must have the same act_func.`);
  return {
    input: inputOf(config),
    classifier: {
      backbone: backboneOf(config.backbone, config.norm_eps, origin),
      widths: config.head.width_list,
      classes: config.labels.reduce((total, { values }) => total + values.length, 0),
    },
    labels: config.labels,
  };
}

function inputOf(config: { image_size: number; image_mean: number[]; image_std: number[] }): PictureInput {
  const { image_size: size, image_mean: mean, image_std: deviation } = config;
  return { size, mean: mean as never, deviation: deviation as never };
}

function backboneOf(
  config: z.output<typeof backboneSchema>,
  epsilon: number,
  origin: string,
): BackboneConfig {
  const { width_list: widths, depth_list: depths } = config;
  const activation = ACTIVATIONS[config.act_func]!;
  const lists: unknown[][] =
    config.family === 'base'
      ? [widths, depths]
      : [widths, depths, config.block_list, config.expand_list, config.fewer_norm_list];
  if (lists.some(({ length }) => length !== widths.length))
    throw new InputError(`${origin}: the lists of backbone must have one entry for each stage.`);
  const headChannels = config.family === 'base' ? config.dim : config.qkv_dim;
  if (config.family === 'base') return smallBackbone(widths, depths, headChannels, { activation, epsilon });
  return largeBackbone(widths, depths, {
    blocks: config.block_list.map((block) => BLOCKS[block]!),
    expand: config.expand_list,
    fewerNorm: config.fewer_norm_list,
    headChannels,
    activation,
    epsilon,
  });
}
