/** Files whose kind is guessed from the names and shapes of their tensors, by every reader of one. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { openControlModel } from '../../../engine/models/control-model.ts';
import { purposeOfFile } from '../../../engine/models/file-purpose.ts';
import { openImageEncoder } from '../../../engine/models/image-encoder.ts';
import { openReferenceModel } from '../../../engine/models/reference-model.ts';
import { openUpscaler } from '../../../engine/models/upscaler.ts';
import { BYTES_PER_ELEMENT } from '../../../engine/weights/dtypes.ts';
import { openEmbedding } from '../../../engine/weights/embeddings.ts';
import { openAdapter } from '../../../engine/weights/lora.ts';
import { LORA_KINDS } from '../../../engine/weights/lora-kinds/index.ts';
import { safetensorsBytes } from '../../../engine/weights/testing.ts';
import { fileSaying, shapesIn } from '../examples.ts';
import {
  caseFolder,
  changed,
  oddText,
  type Target,
  target,
  valueOrSentence,
  withCaseFile,
} from '../target.ts';

const folder = caseFolder();
const encoder = path.join(folder, 'image_encoder');
await mkdir(encoder);
await writeFile(
  path.join(encoder, 'config.json'),
  JSON.stringify({
    hidden_size: 4,
    intermediate_size: 8,
    num_attention_heads: 1,
    num_hidden_layers: 2,
    patch_size: 8,
    image_size: 16,
    projection_dim: 4,
    hidden_act: 'gelu',
  }),
);

const PARTS = [...new Set(LORA_KINDS.flatMap(({ parts, optional = [] }) => [...parts, ...optional]))];
const MODULES = [
  'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q',
  'lora_te_text_model_encoder_layers_0_mlp_fc1',
  'unet.down_blocks.0.resnets.0.conv1',
  'text_encoder.encoder.layers.0.self_attn.q_proj',
  'base_model.model.text_model.encoder.layers.0.mlp.fc2',
  'diffusion_model.input_blocks.1.1.proj_in',
  'transformer.transformer_blocks.0.attn1.to_k',
];
const ENDINGS = [
  '',
  '.weight',
  '.bias',
  '.alpha',
  '.lora_up.weight',
  '.lora_down.weight',
  '.lora_A.weight',
  '.lora_B.default.weight',
  '.dora_scale',
];
const KNOWN = [
  ...['emb_params', 'clip_l', 'clip_g', '<cat-toy>', 'string_to_param.*'],
  ...['image_proj.proj.weight', 'image_proj.norm.weight', 'image_proj.latents', 'image_proj.proj_in.weight'],
  ...[
    'image_proj.proj_out.weight',
    'image_proj.layers.0.0.to_q.weight',
    'image_proj.layers.0.0.to_kv.weight',
  ],
  ...['image_proj.layers.0.1.1.weight', 'ip_adapter.1.to_k_ip.weight', 'ip_adapter.1.to_v_ip.weight'],
  ...['conv_first.weight', 'body.0.rdb1.conv1.weight', 'conv_up1.weight', 'model.0.weight', 'model.3.weight'],
  ...[
    'model.1.sub.0.RDB1.conv1.0.weight',
    'body.0.weight',
    'body.2.weight',
    'body.4.weight',
    'params.body.0.weight',
  ],
  ...[
    'control_model.input_blocks.0.0.weight',
    'control_model.zero_convs.0.0.weight',
    'controlnet_cond_embedding.conv_in.weight',
  ],
  ...[
    'input_hint_block.0.weight',
    'adapter.conv_in.weight',
    'body.0.block1.weight',
    'body.1.in_conv.weight',
    'conv_in.weight',
  ],
  ...[
    'model.diffusion_model.input_blocks.0.0.weight',
    'first_stage_model.decoder.conv_in.weight',
    'decoder.conv_in.weight',
  ],
];
const name = fc.oneof(
  oddText,
  fc.constantFrom(...KNOWN),
  fc
    .tuple(fc.constantFrom(...MODULES), fc.constantFrom(...ENDINGS, ...PARTS.map((part) => `.${part}`)))
    .map((parts) => parts.join('')),
);
const tensor = fc.record({
  dtype: fc.constantFrom('F32', 'F32', 'F16', 'BF16', 'F64', 'I64', 'U8', 'BOOL', 'F8_E4M3'),
  shape: fc.array(fc.oneof(fc.nat({ max: 5 }), fc.constantFrom(3, 4, 12, 48, 64, 2 ** 31, 2 ** 52)), {
    maxLength: 4,
  }),
});

/** A file of tensors that fit into it. Numbers that say more than there is have another fuzzed reader. */
function fileOf(tensors: Record<string, { dtype: string; shape: number[] }>): Uint8Array {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [key, { dtype, shape }] of Object.entries(tensors)) {
    const length = shape.reduce((a, b) => a * b, BYTES_PER_ELEMENT[dtype as 'F32']);
    if (!(length <= 1 << 16)) continue;
    Object.defineProperty(header, key, {
      value: { dtype, shape, data_offsets: [end, end + length] },
      enumerable: true,
    });
    end += length;
  }
  return safetensorsBytes(JSON.stringify(header), new Uint8Array(end).fill(60));
}

/** A file of each kind that is read, as its tensors' types and shapes. */
const FILES = [
  ...['dora', 'full', 'glora', 'ia3', 'loha', 'lokr', 'lora-tucker', 'mixed'].map(
    (name) => `parity/lora-kinds/${name}`,
  ),
  ...['emb_params', 'learned_embeds', 'learned_embeds-one', 'sdxl'].map(
    (name) => `parity/embeddings/${name}`,
  ),
  ...['compact-x2', 'original-x2', 'rrdb-x2'].map((name) => `upscalers/${name}`),
  ...['ip-adapter_tiny', 'ip-adapter-plus_tiny', 'image_encoder/model'].map(
    (name) => `parity/tiny-ip-adapter/${name}`,
  ),
  'parity/tiny-controlnet/t2iadapter/diffusion_pytorch_model',
  'parity/control-file/checkpoint',
];
const fixtures = path.join(import.meta.dirname, '../../fixtures');
const examples = await Promise.all(FILES.map((name) => shapesIn(path.join(fixtures, `${name}.safetensors`))));

const READERS: Record<string, (file: string) => Promise<unknown>> = {
  purpose: purposeOfFile,
  upscaler: openUpscaler,
  embedding: openEmbedding,
  control: openControlModel,
  reference: (file: string) => openReferenceModel(file, encoder),
  encoder: openImageEncoder,
};

/** Reads a file by every reader, and the changes of weights in it. */
async function readByAll(file: string): Promise<void> {
  for (const read of Object.values(READERS)) await valueOrSentence(() => read(file));
  const adapter = await valueOrSentence(() => openAdapter(file, 1));
  for (const { kind, tensors } of adapter?.modules ?? [])
    assert.ok(kind.parts.every((part) => tensors.has(part)));
}

export const targets: readonly Target[] = [
  target(
    'LoRA kinds, embeddings, upscalers, control and reference models, changed',
    fc.oneof(...examples.map(changed)),
    (tensors) => withCaseFile(folder, fileSaying(tensors), readByAll),
  ),
  target(
    'a file that any reader of models is given',
    fc.dictionary(name, tensor, { maxKeys: 14 }),
    (tensors) => withCaseFile(folder, fileOf(tensors), readByAll),
  ),
];
