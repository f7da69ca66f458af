import { InputError } from '../../errors.ts';
import { renamed, type Tensors } from '../../weights/views.ts';
import { countOf, oneIfEqual, sizeOf } from './counting.ts';

/** Parts of a residual block by the names of Stability's code. */
const RESNET: readonly (readonly [string, string])[] = [
  ['in_layers.0.', 'norm1.'],
  ['in_layers.2.', 'conv1.'],
  ['emb_layers.1.', 'time_emb_proj.'],
  ['out_layers.0.', 'norm2.'],
  ['out_layers.3.', 'conv2.'],
  ['skip_connection.', 'conv_shortcut.'],
];

/** Layers outside of the blocks. */
const OUTER: readonly (readonly [string, string])[] = [
  ['time_embed.0.', 'time_embedding.linear_1.'],
  ['time_embed.2.', 'time_embedding.linear_2.'],
  ['time_embed.cond_proj.', 'time_embedding.cond_proj.'],
  ['label_emb.0.0.', 'add_embedding.linear_1.'],
  ['label_emb.0.2.', 'add_embedding.linear_2.'],
  ['input_blocks.0.0.', 'conv_in.'],
  ['out.0.', 'conv_norm_out.'],
  ['out.2.', 'conv_out.'],
];

/** Whether these are a U-Net's tensors by the names of Stability's code. */
export function isOriginalUNet(tensors: Tensors): boolean {
  return tensors.has('input_blocks.0.0.weight') && tensors.has('time_embed.0.weight');
}

/** Whether these are a U-Net's tensors by diffusers' names. */
export function isUNet(tensors: Tensors): boolean {
  return tensors.has('conv_in.weight') && tensors.has('down_blocks.0.resnets.0.conv1.weight');
}

/**
 * A U-Net's tensors by diffusers' names, from those of Stability's code: `input_blocks.4.1.…` is
 * `down_blocks.1.attentions.0.…`. Blocks are counted from their own layers and resamplings, so any number of levels and
 * layers is understood. Also for a ControlNet, which has the way down and the middle only.
 */
export function fromOriginalUNet(
  tensors: Tensors,
): Map<string, Tensors extends ReadonlyMap<string, infer T> ? T : never> {
  const modules = modulesOf(tensors);
  return renamed(tensors, (name) => {
    const outer = OUTER.find(([original]) => name.startsWith(original));
    if (outer) return outer[1] + name.slice(outer[0].length);
    const [, place, rest] =
      /^((?:input_blocks|output_blocks)\.\d+\.\d+|middle_block\.\d+)\.(.+)$/.exec(name) ?? [];
    const module = place === undefined ? undefined : modules.get(place);
    if (module === undefined || rest === undefined) return undefined;
    if (/samplers\.0$/.test(module)) return `${module}.conv.${rest.replace(/^(?:op|conv)\./, '')}`;
    const inner = /\.resnets\.\d+$/.test(module)
      ? RESNET.find(([original]) => rest.startsWith(original))
      : undefined;
    return `${module}.${inner ? inner[1] + rest.slice(inner[0].length) : rest}`;
  });
}

/** diffusers' name of each module of the blocks. */
function modulesOf(tensors: Tensors): Map<string, string> {
  const modules = new Map<string, string>();
  const isResnet = (place: string) => tensors.has(`${place}.in_layers.2.weight`);
  const layers: number[] = [0];
  for (let i = 1; ; i++) {
    const place = `input_blocks.${i}.0`;
    const level = layers.length - 1;
    if (tensors.has(`${place}.op.weight`)) {
      modules.set(place, `down_blocks.${level}.downsamplers.0`);
      layers.push(0);
    } else if (isResnet(place)) {
      modules.set(place, `down_blocks.${level}.resnets.${layers[level]}`);
      modules.set(`input_blocks.${i}.1`, `down_blocks.${level}.attentions.${layers[level]}`);
      layers[level]!++;
    } else break;
  }
  const attends = tensors.has('middle_block.1.norm.weight');
  modules.set('middle_block.0', 'mid_block.resnets.0');
  modules.set('middle_block.1', attends ? 'mid_block.attentions.0' : 'mid_block.resnets.1');
  modules.set('middle_block.2', 'mid_block.resnets.1');
  let i = 0;
  for (const [block, count] of layers.toReversed().entries())
    for (let layer = 0; layer <= count && isResnet(`output_blocks.${i}.0`); layer++, i++) {
      modules.set(`output_blocks.${i}.0`, `up_blocks.${block}.resnets.${layer}`);
      for (const place of [`output_blocks.${i}.1`, `output_blocks.${i}.2`])
        modules.set(
          place,
          tensors.has(`${place}.conv.weight`)
            ? `up_blocks.${block}.upsamplers.0`
            : `up_blocks.${block}.attentions.${layer}`,
        );
    }
  return modules;
}

/** The attention heads of Stable Diffusion 1.x; later ones have heads of 64 channels. */
const HEADS = 8;
const HEAD_CHANNELS = 64;

/** A block's layers: transformer blocks behind each residual block. */
type Depths = readonly number[];

/** What distinguishes the families. */
export interface UNetFacts {
  linear: boolean;
  /** Channels of the text's states. */
  crossChannels: number;
  /** Channels of the pooled text beside six time ids; 0 if there is none. */
  addedChannels: number;
  inChannels: number;
}

/** Numbers of a time id of SDXL. */
const TIME_ID_CHANNELS = 256;

/**
 * The config of a U-Net (diffusers' UNet2DConditionModel) from the names and shapes of its tensors.
 * @param origin names the file in errors
 * @throws InputError if it is not a U-Net of Stable Diffusion
 */
export function unetConfigOf(
  tensors: Tensors,
  origin: string,
): { config: Record<string, unknown>; facts: UNetFacts } {
  const refuse = (why: string) => new InputError(`${origin}: the U-Net ${why}, which is not supported.`);
  if (tensors.has('label_emb.weight') || tensors.has('class_embedding.weight'))
    throw refuse('takes a class or a noise level beside the text, as upscalers do');
  const has = (name: string) => tensors.has(name);
  const depth = (path: string) => countOf((i) => has(`${path}.transformer_blocks.${i}.attn2.to_k.weight`));
  const depthsOf = (block: string): Depths =>
    Array.from({ length: countOf((l) => has(`${block}.resnets.${l}.conv1.weight`)) }, (_, l) =>
      depth(`${block}.attentions.${l}`),
    );
  const levels = countOf((b) => has(`down_blocks.${b}.resnets.0.conv1.weight`));
  const blocks = Array.from({ length: levels }, (_, b) => b);
  const down = blocks.map((b) => depthsOf(`down_blocks.${b}`));
  const up = blocks.map((b) => depthsOf(`up_blocks.${b}`));
  const channels = blocks.map((b) => sizeOf(tensors, `down_blocks.${b}.resnets.0.conv1.weight`, 0));
  const middle = depth('mid_block.attentions.0');
  const last = down[levels - 1] ?? [];
  if (middle > 0 && attends(last) && last[0] !== middle)
    throw refuse(`has ${middle} transformer blocks in the middle and ${last[0]} before it`);
  const attention = [...tensors.keys()].find((name) => name.endsWith('.attn2.to_k.weight'));
  if (!attention) throw refuse('has no attention to text');
  const projection = [...tensors.keys()].find((name) => name.endsWith('.proj_in.weight'));
  const facts: UNetFacts = {
    linear: tensors.get(projection ?? '')?.shape.length === 2,
    crossChannels: sizeOf(tensors, attention, 1),
    addedChannels: Math.max(0, sizeOf(tensors, 'add_embedding.linear_1.weight', 1) - 6 * TIME_ID_CHANNELS),
    inChannels: sizeOf(tensors, 'conv_in.weight', 1),
  };
  const guidance = sizeOf(tensors, 'time_embedding.cond_proj.weight', 1);
  const depths = down.map((one, b) => (attends(one) || b < levels - 1 ? entryOf(one) : middle || 1));
  return {
    facts,
    config: {
      in_channels: facts.inChannels,
      out_channels: sizeOf(tensors, 'conv_out.weight', 0),
      block_out_channels: channels,
      layers_per_block: oneIfEqual(down.map(({ length }) => length)),
      down_block_types: down.map((one) => (attends(one) ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
      up_block_types: up.map((one) => (attends(one) ? 'CrossAttnUpBlock2D' : 'UpBlock2D')),
      mid_block_type: middleType(middle, has('mid_block.resnets.0.conv1.weight')),
      transformer_layers_per_block: depths,
      reverse_transformer_layers_per_block: up.map(entryOf),
      attention_head_dim: facts.linear
        ? channels.map((width) => Math.max(1, Math.round(width / HEAD_CHANNELS)))
        : HEADS,
      cross_attention_dim: facts.crossChannels,
      use_linear_projection: facts.linear,
      time_embedding_dim: sizeOf(tensors, 'time_embedding.linear_1.weight', 0) || undefined,
      ...(guidance > 0 && { time_cond_proj_dim: guidance }),
      ...(facts.addedChannels > 0 && {
        addition_embed_type: 'text_time',
        addition_time_embed_dim: TIME_ID_CHANNELS,
        projection_class_embeddings_input_dim: facts.addedChannels + 6 * TIME_ID_CHANNELS,
      }),
    },
  };
}

function attends(depths: Depths): boolean {
  return depths.some((depth) => depth > 0);
}

/** The entry of a level in `transformer_layers_per_block`. */
function entryOf(depths: Depths): number | readonly number[] {
  return attends(depths) ? (oneIfEqual(depths) as number | readonly number[]) : 1;
}

function middleType(depth: number, exists: boolean): string | null {
  if (depth > 0) return 'UNetMidBlock2DCrossAttn';
  return exists ? 'UNetMidBlock2D' : null;
}
