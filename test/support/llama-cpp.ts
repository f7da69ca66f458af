/** Language models as llama.cpp's converter (convert_hf_to_gguf.py) writes them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readFloat32 } from '../../engine/weights/read.ts';
import { openSafetensors } from '../../engine/weights/safetensors.ts';
import { type GgufType, ggufBytes } from './gguf.ts';

export interface Weight {
  name: string;
  shape: readonly number[];
  values: Float32Array;
}

/** The part of a config that is written. */
export interface LanguageConfig {
  architectures: readonly string[];
  head_dim: number;
  hidden_size: number;
  intermediate_size: number;
  num_attention_heads: number;
  num_hidden_layers: number;
  num_key_value_heads: number;
  rms_norm_eps?: number;
  rope_theta?: number;
  rope_scaling?: {
    factor: number;
    high_freq_factor: number;
    low_freq_factor: number;
    original_max_position_embeddings: number;
  };
  attn_logit_softcapping?: number;
  sliding_window?: number;
}

const NAMES: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};
const GEMMA_NAMES: Readonly<Record<string, string>> = {
  ...NAMES,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
};

type Architecture = 'gemma2' | 'qwen3' | 'llama';

function architectureOf({ architectures: [name = ''] }: LanguageConfig): Architecture {
  return name.startsWith('Gemma2') ? 'gemma2' : name.startsWith('Qwen3') ? 'qwen3' : 'llama';
}

/** A GGUF file of weights that have the names of transformers. */
export function llamaCppBytes(
  config: LanguageConfig,
  weights: readonly Weight[],
  type: GgufType,
): Uint8Array {
  return ggufBytes(tensorsOf(config, weights), type, metadataOf(config));
}

/** The same of a folder with `config.json` and `model.safetensors`. */
export async function llamaCppOf(folder: string, type: GgufType): Promise<Uint8Array> {
  const config = JSON.parse(await readFile(path.join(folder, 'config.json'), 'utf8')) as LanguageConfig;
  const source = await openSafetensors(path.join(folder, 'model.safetensors'));
  const weights = await Promise.all(
    [...source.names()].map(async (name) => {
      const tensor = source.find(name)!;
      return { name, shape: tensor.shape, values: await readFloat32(tensor) };
    }),
  );
  return llamaCppBytes(config, weights, type);
}

function metadataOf(config: LanguageConfig): Record<string, string | number> {
  const architecture = architectureOf(config);
  const { attn_logit_softcapping: cap, sliding_window: window } = config;
  const facts = {
    block_count: config.num_hidden_layers,
    context_length: 8192,
    embedding_length: config.hidden_size,
    feed_forward_length: config.intermediate_size,
    'attention.head_count': config.num_attention_heads,
    'attention.head_count_kv': config.num_key_value_heads,
    'attention.key_length': config.head_dim,
    'attention.value_length': config.head_dim,
    'attention.layer_norm_rms_epsilon': config.rms_norm_eps ?? 1e-6,
    ...(architecture === 'gemma2'
      ? { attn_logit_softcapping: cap!, 'attention.sliding_window': window! }
      : { 'rope.freq_base': config.rope_theta ?? 10000 }),
    ...(architecture === 'llama' && { 'rope.dimension_count': config.head_dim }),
  };
  const entries = Object.entries(facts).map(([key, value]) => [`${architecture}.${key}`, value] as const);
  return { 'general.architecture': architecture, ...Object.fromEntries(entries) };
}

function tensorsOf(config: LanguageConfig, weights: readonly Weight[]): Weight[] {
  const architecture = architectureOf(config);
  const gemma = architecture === 'gemma2';
  const tensors = weights.map((weight): Weight => {
    const [, layer, part = ''] = /^(?:model\.)?(?:layers\.(\d+)\.)?(.+)\.weight$/.exec(weight.name) ?? [];
    const outer = part === 'norm' ? 'output_norm' : 'token_embd';
    const name = layer === undefined ? outer : `blk.${layer}.${(gemma ? GEMMA_NAMES : NAMES)[part]}`;
    const named = { ...weight, name: `${name}.weight` };
    if (gemma && /norm$/.test(part)) return { ...named, values: weight.values.map((value) => value + 1) };
    const heads = { attn_q: config.num_attention_heads, attn_k: config.num_key_value_heads }[
      name.replace(/^blk\.\d+\./, '')
    ];
    return architecture === 'llama' && heads ? { ...named, values: permuted(weight, heads) } : named;
  });
  return config.rope_scaling ? [...tensors, factorsOf(config)] : tensors;
}

/** `LlamaModel.permute`: channels i and i + d/2 of a head become neighbours. */
function permuted({ shape, values }: Weight, heads: number): Float32Array {
  const [rows = 0, columns = 0] = shape;
  const half = rows / heads / 2;
  const result = new Float32Array(values.length);
  for (let head = 0; head < heads; head++)
    for (let i = 0; i < half; i++)
      for (let side = 0; side < 2; side++) {
        const from = (head * 2 + side) * half + i;
        const to = (head * half + i) * 2 + side;
        result.set(values.subarray(from * columns, (from + 1) * columns), to * columns);
      }
  return result;
}

/** `rope_freqs`: what Llama 3 divides each frequency by. */
function factorsOf({ rope_scaling, rope_theta: theta = 10000, head_dim: channels }: LanguageConfig): Weight {
  const { factor, low_freq_factor: low, high_freq_factor: high } = rope_scaling!;
  const length = rope_scaling!.original_max_position_embeddings;
  const values = Float32Array.from({ length: channels / 2 }, (_, i) => {
    const wave = 2 * Math.PI * theta ** ((2 * i) / channels);
    if (wave < length / high) return 1;
    if (wave > length / low) return factor;
    const smooth = (length / wave - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
  return { name: 'rope_freqs.weight', shape: [channels / 2], values };
}
