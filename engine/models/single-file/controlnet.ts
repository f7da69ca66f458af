import { InputError } from '../../errors.ts';
import type { StoredTensor, WeightSource } from '../../weights/source.ts';
import { below, renamed, sourceOf, type Tensors } from '../../weights/views.ts';
import { countOf, sizeOf } from './counting.ts';
import { fromOriginalUNet, unetConfigOf } from './unet.ts';

/** The encoder of the control image by the names of ControlNet's own code, where every second layer has no weights. */
const HINT = /^input_hint_block\.(\d+)\.(weight|bias)$/;

/** Other networks that steer, which have some of the names of a ControlNet, and more that count. */
const RELATIVES: readonly (readonly [RegExp, string])[] = [
  [/^lllite_/, 'a ControlNet-LLLite'],
  [/(?:^|\.)lora_controlnet$/, 'a Control-LoRA'],
  [/(?:^|\.)(?:task_embedding$|control_add_embedding\.|spatial_ch_projs\.)/, 'a ControlNet Union'],
  [/(?:^|\.)(?:ctrl_to_base|base_to_ctrl)/, 'a ControlNet-XS'],
];

/** @throws InputError that names what it is */
function refuseRelatives(source: WeightSource): void {
  for (const name of source.names()) {
    const relative = RELATIVES.find(([pattern]) => pattern.test(name));
    if (relative)
      throw new InputError(
        `${source.origin} is ${relative[1]}, which is not supported; use a plain ControlNet.`,
      );
  }
}

/**
 * A ControlNet in one file, by diffusers' names or by those of its own code, with `control_model.` before them or not.
 * Undefined for another kind of file.
 * @throws InputError for a relative that is not supported
 */
export function controlNetIn(source: WeightSource): { config: object; weights: WeightSource } | undefined {
  const inner = below(source, 'control_model.');
  const tensors = inner.size > 0 ? inner : below(source, '');
  refuseRelatives(source);
  const isOriginal = tensors.has('input_hint_block.0.weight');
  if (!isOriginal && !tensors.has('controlnet_cond_embedding.conv_in.weight')) return undefined;
  const named = isOriginal ? fromOriginal(tensors) : new Map(tensors);
  const { config } = unetConfigOf(named, source.origin);
  return { config: { ...config, ...controlConfig(named) }, weights: sourceOf(named, source.origin) };
}

function fromOriginal(tensors: Tensors): Map<string, StoredTensor> {
  const layers = [...tensors.keys()].map((name) => Number(HINT.exec(name)?.[1] ?? 0));
  const last = Math.max(...layers);
  const own = renamed(tensors, (name) => {
    const [, layer, ending] = HINT.exec(name) ?? [];
    if (layer !== undefined) {
      const i = Number(layer);
      const module = i === 0 ? 'conv_in' : i === last ? 'conv_out' : `blocks.${i / 2 - 1}`;
      return `controlnet_cond_embedding.${module}.${ending}`;
    }
    const zero = /^zero_convs\.(\d+)\.0\.(weight|bias)$/.exec(name);
    if (zero) return `controlnet_down_blocks.${zero[1]}.${zero[2]}`;
    const middle = /^middle_block_out\.0\.(weight|bias)$/.exec(name);
    return middle ? `controlnet_mid_block.${middle[1]}` : undefined;
  });
  return new Map([...fromOriginalUNet(tensors), ...own]);
}

/** Differences from a U-Net's config: no way up, and an encoder of the control image. */
function controlConfig(tensors: Tensors): object {
  const path = 'controlnet_cond_embedding';
  const blocks = countOf((i) => tensors.has(`${path}.blocks.${i}.weight`));
  const widths = Array.from({ length: blocks / 2 }, (_, i) =>
    sizeOf(tensors, `${path}.blocks.${2 * i + 1}.weight`, 0),
  );
  return {
    _class_name: 'ControlNetModel',
    conditioning_embedding_out_channels: [sizeOf(tensors, `${path}.conv_in.weight`, 0), ...widths],
    out_channels: sizeOf(tensors, 'conv_in.weight', 1),
    up_block_types: undefined,
    reverse_transformer_layers_per_block: undefined,
  };
}

/**
 * A T2I-Adapter in one file, by diffusers' names or by those of its own code, with `adapter.` before them or not. Undefined
 * for another kind of file.
 */
export function t2iAdapterIn(source: WeightSource): { config: object; weights: WeightSource } | undefined {
  const inner = below(source, 'adapter.');
  const bare = inner.size > 0 ? inner : below(source, '');
  if (!bare.has('body.0.block1.weight') && !bare.has('body.0.resnets.0.block1.weight')) return undefined;
  const own = bare.has('body.0.block1.weight') ? inLevels(bare) : bare;
  const tensors = renamed(own, (name) => `adapter.${name}`);
  const inputs = sizeOf(tensors, 'adapter.conv_in.weight', 1);
  if (inputs === 0) return undefined;
  const levels = countOf((i) => tensors.has(`adapter.body.${i}.resnets.0.block1.weight`));
  // Three channels or one, of 8 × 8 or 16 × 16 pixels of the image.
  const isLarge = inputs === 3 * 16 ** 2 || inputs === 16 ** 2;
  const config = {
    _class_name: 'T2IAdapter',
    adapter_type: isLarge ? 'full_adapter_xl' : 'full_adapter',
    downscale_factor: isLarge ? 16 : 8,
    in_channels: inputs % 3 === 0 ? 3 : 1,
    channels: Array.from({ length: levels }, (_, i) =>
      sizeOf(tensors, `adapter.body.${i}.resnets.0.block1.weight`, 0),
    ),
    num_res_blocks: countOf((j) => tensors.has(`adapter.body.0.resnets.${j}.block1.weight`)),
  };
  return { config, weights: sourceOf(tensors, source.origin) };
}

/**
 * An adapter by the names of its own code (TencentARC's), where the blocks of all levels are one list. Levels have equally
 * many, and the second begins at the first block that changes the width.
 */
function inLevels(tensors: Tensors): Map<string, StoredTensor> {
  const each = countOf((i) => i === 0 || !tensors.has(`body.${i}.in_conv.weight`));
  return renamed(tensors, (name) => {
    const [, at, rest] = /^body\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (at === undefined) return name;
    const level = Math.floor(Number(at) / each);
    return rest!.startsWith('in_conv.')
      ? `body.${level}.${rest}`
      : `body.${level}.resnets.${Number(at) % each}.${rest}`;
  });
}
