/** Language models in one file: as llama.cpp writes them into GGUF, or by the names of transformers. */
import { InputError, quoted } from '../../errors.ts';
import { readFloat32 } from '../../weights/read.ts';
import type { StoredTensor, TensorFile } from '../../weights/source.ts';
import { below, renamed } from '../../weights/views.ts';
import { countOf, sizeOf } from './counting.ts';

/** llama.cpp's architectures, and the class of transformers that computes each. */
const CLASSES = { gemma2: 'Gemma2Model', qwen3: 'Qwen3Model', llama: 'LlamaModel' } as const;
type Architecture = keyof typeof CLASSES;

/** Tensors outside of the layers by llama.cpp's names (gguf-py's `TENSOR_NAMES`). */
const OUTER: Readonly<Record<string, string>> = { token_embd: 'embed_tokens', output_norm: 'norm' };
const TABLE = 'token_embd.weight';
const FACTORS = 'rope_freqs.weight';

/** Parts of a layer by llama.cpp's names. */
const PARTS: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
  post_ffw_norm: 'post_feedforward_layernorm',
};

/** Gemma 2 on 27 billion parameters scales attention by the width of the model in place of that of a head. */
const LARGEST_GEMMA_LAYERS = 46;
/** llama.cpp's values where a file of Gemma 2 does not say them. */
const GEMMA_CAP = 50;
const GEMMA_WINDOW = 4096;

/** A language model's tensors by the names of transformers' inner model, and its config. */
export interface LanguageModelFile {
  tensors: Map<string, StoredTensor>;
  config: Readonly<Record<string, unknown>>;
}

/**
 * The language model in a file; undefined if it holds none.
 * @param known the config of the model's own text encoder: says what a file does not
 * @throws InputError for one of another architecture, or whose file does not say enough
 */
export async function languageModelIn(
  file: TensorFile,
  known?: unknown,
): Promise<LanguageModelFile | undefined> {
  const own = (known ?? {}) as Readonly<Record<string, unknown>>;
  if (file.find(TABLE)) return fromLlamaCpp(file, own);
  const prefix = innerPrefix(file);
  return prefix === undefined ? undefined : byOwnNames(file, prefix, own);
}

export function isLanguageFile(file: TensorFile): boolean {
  return file.find(TABLE) !== undefined || innerPrefix(file) !== undefined;
}

/** What precedes the names of transformers' inner model, in a file of one. */
function innerPrefix(file: TensorFile): string | undefined {
  const first = 'layers.0.mlp.gate_proj.weight';
  for (const name of file.names()) if (name.endsWith(first)) return name.slice(0, -first.length);
  return undefined;
}

/** Such a file has tensors only: heads and frequencies are in the config of the model that it belongs to. */
function byOwnNames(
  file: TensorFile,
  prefix: string,
  known: Readonly<Record<string, unknown>>,
): LanguageModelFile {
  const [name] = Array.isArray(known.architectures) ? known.architectures : [];
  const inner = Object.values(CLASSES).find((one) => one === String(name).replace('ForCausalLM', 'Model'));
  if (!inner)
    throw new InputError(
      `${file.origin} holds a language model without its config: name a folder with its config.json, or a GGUF file.`,
      { setting: 'textEncoder' },
    );
  const tensors = renamed(below(file, prefix), (one) => one);
  return { tensors, config: { ...known, architectures: [inner] } };
}

/**
 * llama.cpp's tensors and metadata (`convert_hf_to_gguf.py`). Llama's query and key are stored for rotations of
 * neighbouring channels, and Gemma's norms with one added to their weights; both are computed like that. The table of
 * tokens is also the last map, which is not read.
 */
async function fromLlamaCpp(
  file: TensorFile,
  known: Readonly<Record<string, unknown>>,
): Promise<LanguageModelFile> {
  const stated = file.metadata['general.architecture'] ?? '';
  if (!Object.hasOwn(CLASSES, stated))
    throw new InputError(
      `${file.origin} holds a text encoder of the architecture ${quoted(stated)}, which is not supported; supported: ${Object.keys(CLASSES).join(', ')}.`,
      { setting: 'textEncoder' },
    );
  const architecture = stated as Architecture;
  const gemma = architecture === 'gemma2';
  const parts: typeof PARTS = gemma ? { ...PARTS, ffn_norm: 'pre_feedforward_layernorm' } : PARTS;
  const tensors = renamed(below(file, ''), (name) => {
    const [, layer, part = '', kind] = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
    if (layer === undefined) return Object.hasOwn(OUTER, part) ? `${OUTER[part]}.${kind}` : undefined;
    return Object.hasOwn(parts, part) ? `layers.${layer}.${parts[part]}.${kind}` : undefined;
  });
  const factors = file.find(FACTORS);
  const config = {
    ...numbersOf(file, architecture, tensors),
    ...(factors && { rope_factors: [...(await readFloat32(bounded(factors)))] }),
    rope_interleaved: architecture === 'llama',
    norm_factors: gemma,
  };
  return { tensors, config: gemma ? { ...config, ...scalingOf(file, config, known) } : config };
}

/** The config from the shapes of tensors and the metadata. */
function numbersOf(file: TensorFile, architecture: Architecture, tensors: ReadonlyMap<string, StoredTensor>) {
  const said = (key: string, without?: number) => numberIn(file, `${architecture}.${key}`, without);
  const scaling = file.metadata[`${architecture}.rope.scaling.type`] ?? 'none';
  if (scaling !== 'none')
    throw new InputError(
      `${file.origin}: positions are scaled as ${quoted(scaling)}, which is not supported.`,
    );
  const heads = said('attention.head_count');
  const width = sizeOf(tensors, 'embed_tokens.weight', 1);
  return {
    architectures: [CLASSES[architecture]],
    head_dim: said('attention.key_length', said('rope.dimension_count', heads > 0 ? width / heads : 0)),
    hidden_size: width,
    intermediate_size: sizeOf(tensors, 'layers.0.mlp.gate_proj.weight', 0),
    num_attention_heads: heads,
    num_hidden_layers: countOf((i) => tensors.has(`layers.${i}.self_attn.q_proj.weight`)),
    num_key_value_heads: said('attention.head_count_kv', heads),
    rms_norm_eps: said('attention.layer_norm_rms_epsilon', 1e-6),
    rope_theta: said('rope.freq_base', 10000),
    vocab_size: sizeOf(tensors, 'embed_tokens.weight', 0),
  };
}

/** How Gemma 2 attends: its metadata, and what it leaves out, from the model's config or as llama.cpp has it. */
function scalingOf(
  file: TensorFile,
  config: ReturnType<typeof numbersOf>,
  known: Readonly<Record<string, unknown>>,
) {
  const {
    head_dim: channels,
    hidden_size: width,
    num_attention_heads: heads,
    num_hidden_layers: layers,
  } = config;
  const isSame = known.hidden_size === width && known.num_attention_heads === heads;
  return {
    attn_logit_softcapping: numberIn(file, 'gemma2.attn_logit_softcapping', GEMMA_CAP),
    sliding_window: numberIn(file, 'gemma2.attention.sliding_window', GEMMA_WINDOW),
    query_pre_attn_scalar:
      (isSame ? known.query_pre_attn_scalar : undefined) ??
      (layers === LARGEST_GEMMA_LAYERS ? width / heads : channels),
  };
}

/** @param without the value if the file does not say it */
function numberIn({ metadata, origin }: TensorFile, key: string, without?: number): number {
  const text = metadata[key];
  const value = text === undefined ? without : Number(text);
  if (value === undefined || !Number.isFinite(value))
    throw new InputError(
      `${origin}: its metadata ${text === undefined ? `lacks ${key}` : `says ${quoted(text)} for ${key}`}; get the file again.`,
      { setting: 'textEncoder' },
    );
  return value;
}

/** Far more frequencies than any head has. */
const MAX_FACTORS = 8192;

function bounded(tensor: StoredTensor): StoredTensor {
  if (tensor.shape.length === 1 && tensor.shape[0]! <= MAX_FACTORS) return tensor;
  throw new InputError(`${tensor.file}: tensor ${tensor.name} has shape [${tensor.shape}].`);
}
