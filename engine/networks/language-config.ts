import * as z from 'zod';
import { InputError, quoted } from '../errors.ts';
import { channelCount, epsilon, parseConfig, supported } from './config.ts';

/** Names of the classes that are computed, and the dialect of each. */
const CLASSES = {
  Gemma2Model: 'gemma2',
  Gemma2ForCausalLM: 'gemma2',
  Qwen3Model: 'qwen3',
  Qwen3ForCausalLM: 'qwen3',
  LlamaModel: 'llama',
  LlamaForCausalLM: 'llama',
} as const;
type Dialect = (typeof CLASSES)[keyof typeof CLASSES];

const positive = z.number().positive().max(1e9);
const schema = z.object({
  architectures: z.array(z.string().max(100)).min(1).max(4),
  attention_bias: supported([false]).default(false),
  attn_logit_softcapping: z.number().positive().max(1e6).nullish(),
  head_dim: channelCount.optional(),
  hidden_act: supported(['silu', 'gelu_pytorch_tanh']).optional(),
  hidden_activation: supported(['gelu_pytorch_tanh', null]).optional(),
  hidden_size: channelCount,
  intermediate_size: z.number().int().min(1).max(65536),
  num_attention_heads: channelCount,
  num_hidden_layers: z.number().int().min(1).max(128),
  num_key_value_heads: channelCount.optional(),
  query_pre_attn_scalar: positive.optional(),
  rms_norm_eps: epsilon.default(1e-6),
  rope_theta: positive.default(10000),
  rope_scaling: z
    .object({
      rope_type: supported(['llama3']),
      factor: positive,
      low_freq_factor: positive,
      high_freq_factor: positive,
      original_max_position_embeddings: z.number().int().positive().max(1e7),
    })
    .nullish(),
  /** Ours: what each frequency is divided by, where a file says that in place of `rope_scaling`. */
  rope_factors: z.array(positive).max(8192).optional(),
  /** Ours: channels 2i and 2i + 1 are turned together, in place of i and i + d/2. */
  rope_interleaved: z.boolean().default(false),
  /** Ours: the weights of Gemma's norms are the factors themselves, in place of these less one. */
  norm_factors: z.boolean().default(false),
  sliding_window: z.number().int().min(1).max(1e7).nullish(),
  use_sliding_window: supported([false]).optional(),
  vocab_size: z.number().int().min(1).max(1_000_000),
});

/** `config.json` of a language model whose hidden states a denoiser reads: Gemma 2, Qwen 3 or Llama 3. */
export type LanguageConfig = z.output<typeof schema> & {
  dialect: Dialect;
  /** Before the names of all weights. */
  prefix: '' | 'model.';
  headChannels: number;
  keyHeads: number;
};

export function isLanguageModel(config: unknown): boolean {
  const { architectures } = (config ?? {}) as { architectures?: unknown };
  return Array.isArray(architectures) && architectures.some((name) => Object.hasOwn(CLASSES, String(name)));
}

export function parseLanguageConfig(json: unknown, origin: string): LanguageConfig {
  const config = parseConfig(schema, json, origin);
  const name = config.architectures[0]!;
  if (!Object.hasOwn(CLASSES, name))
    throw new InputError(
      `${origin}: architectures: ${quoted(name)} is not supported; supported: ${Object.keys(CLASSES).join(', ')}.`,
    );
  const heads = config.num_attention_heads;
  const keyHeads = config.num_key_value_heads ?? heads;
  const headChannels = config.head_dim ?? config.hidden_size / heads;
  if (heads % keyHeads || !Number.isInteger(headChannels) || headChannels % 2)
    throw new InputError(
      `${origin}: ${heads} attention heads of ${headChannels} channels with ${keyHeads} of keys and values are not supported.`,
    );
  const factors = config.rope_factors?.length ?? headChannels / 2;
  if (factors !== headChannels / 2)
    throw new InputError(
      `${origin}: there are ${factors} factors of frequencies, but ${headChannels / 2} pairs of channels in a head.`,
    );
  return {
    ...config,
    dialect: CLASSES[name as keyof typeof CLASSES],
    prefix: name.endsWith('ForCausalLM') ? 'model.' : '',
    headChannels,
    keyHeads,
  };
}
