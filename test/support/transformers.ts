/** Configs of small transformers, for tests. */

/** SanaTransformer2DModel. */
export const SMALL_SANA = {
  attention_head_dim: 4,
  caption_channels: 6,
  cross_attention_dim: 8,
  cross_attention_head_dim: 4,
  in_channels: 3,
  num_attention_heads: 2,
  num_cross_attention_heads: 2,
  num_layers: 2,
};

/** Flux2Transformer2DModel. */
export const SMALL_FLUX2 = {
  attention_head_dim: 8,
  axes_dims_rope: [2, 2, 2, 2],
  joint_attention_dim: 6,
  num_attention_heads: 2,
  num_layers: 1,
};

/** EMMDiTTransformer. */
export const SMALL_NITRO_E = {
  _class_name: 'EMMDiTTransformer',
  attention_head_dim: 8,
  caption_channels: 8,
  caption_projection_dim: 16,
  in_channels: 4,
  num_attention_heads: 2,
  out_channels: 4,
  pos_embed_max_size: 24,
};

/** A language model of Llama's kind, as Nitro-E's text encoder is. */
export const SMALL_LLAMA = {
  architectures: ['LlamaForCausalLM'],
  head_dim: 4,
  hidden_act: 'silu',
  hidden_size: 8,
  intermediate_size: 12,
  num_attention_heads: 2,
  num_hidden_layers: 2,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  vocab_size: 300,
};
