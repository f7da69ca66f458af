import type { Components } from '../execution/components.ts';
import { countMacs } from '../graph/macs.ts';
import { float32, floats, int64 } from '../graph/tensor.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { SANA_TOKENS } from '../networks/sana.ts';
import { requireFinite } from '../numbers.ts';
import { type LanguageTokenizer, loadLanguageTokenizer } from '../text/language-tokenizer.ts';
import { checkIds, type EncodedText, type PromptEncoder } from './text-encoder.ts';

const PART = 'text-encoder';

/** Encodings that are remembered; one of a long prompt takes 2.8 MB. */
const MAX_REMEMBERED = 16;

/** The states of one prompt that the denoiser reads. */
interface Encoding {
  /** [length, channels] */
  states: Float32Array;
  length: number;
  macs: number;
  warnings: string[];
}

/**
 * Encodes prompts with a language model. An instruction is put before a prompt, and of its states only the first is kept
 * (diffusers' SanaPipeline). Padding is not computed: attention is causal, and the denoiser does not read it. Encodings
 * are remembered by their text, so that a prompt used again needs no language model.
 */
export class LanguageEncoder implements PromptEncoder {
  readonly #components: Components;
  readonly #tokenizer: LanguageTokenizer;
  readonly #instruction: string;
  readonly #known = new Map<string, Encoding>();

  private constructor(components: Components, tokenizer: LanguageTokenizer, instruction: string) {
    this.#components = components;
    this.#tokenizer = tokenizer;
    this.#instruction = instruction;
  }

  /** Reads the model's tokenizer. */
  static async open(model: DiffusionModel, components: Components): Promise<LanguageEncoder> {
    const tokenizer = await loadLanguageTokenizer((await model.tokenizer(PART)).folder);
    return new LanguageEncoder(components, tokenizer, model.instruction ?? '');
  }

  /** The first prompt with the instruction, the negative one without it. */
  async encode(prompts: readonly string[]): Promise<EncodedText> {
    const encodings: Encoding[] = [];
    for (const [i, prompt] of prompts.entries())
      encodings.push(await this.#encoding(prompt, i === 0 ? this.#instruction : ''));
    const most = Math.max(...encodings.map(({ length }) => length));
    const channels = encodings[0]!.states.length / encodings[0]!.length;
    const states = new Float32Array(prompts.length * most * channels);
    const mask = new BigInt64Array(prompts.length * most);
    for (const [i, encoding] of encodings.entries()) {
      states.set(encoding.states, i * most * channels);
      mask.fill(1n, i * most, i * most + encoding.length);
    }
    return {
      states: float32(states, [prompts.length, most, channels]),
      mask: int64(mask, [prompts.length, most]),
      warnings: encodings.flatMap(({ warnings }) => warnings),
      macs: encodings.reduce((sum, { macs }) => sum + macs, 0),
    };
  }

  async #encoding(prompt: string, instruction: string): Promise<Encoding> {
    const text = prompt.toLowerCase().trim();
    const key = `${this.#components.textPrecision} ${instruction}${text}`;
    const known = this.#known.get(key);
    this.#known.delete(key);
    const encoding = known ? { ...known, macs: 0 } : await this.#compute(text, instruction);
    this.#known.set(key, encoding);
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return encoding;
  }

  async #compute(text: string, instruction: string): Promise<Encoding> {
    const tokenizer = this.#tokenizer;
    const before = instruction === '' ? 1 : tokenizer.encode(instruction).length;
    const all = tokenizer.encode(instruction + text);
    // As diffusers counts: the first token, and the instruction's last one, are among those that are read.
    const ids = all.slice(0, before + SANA_TOKENS - (instruction === '' ? 1 : 2));
    const left = all.slice(ids.length);
    const network = this.#components.network(PART);
    checkIds(network, 'embed_tokens.weight', ids, (id) => tokenizer.text([id]));
    const program = await this.#components.program(PART);
    const outputs = await program.run({
      input_ids: int64(BigInt64Array.from(ids, BigInt), [1, ids.length]),
      attention_mask: int64(new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
    });
    const states = floats(outputs, 'last_hidden_state');
    requireFinite(states, `The text encoder (${PART})`);
    const channels = states.length / ids.length;
    // The first state, and those from the instruction's end on.
    const from = Math.max(1, before - 1);
    const length = 1 + ids.length - from;
    const read = new Float32Array(length * channels);
    read.set(states.subarray(0, channels));
    read.set(states.subarray(from * channels), channels);
    return {
      states: read,
      length,
      macs: countMacs(network, { height: 1, width: 1, batch: 1, tokens: ids.length }).total,
      warnings:
        left.length > 0 ? [`The prompt is too long; this part was left out: ${tokenizer.text(left)}`] : [],
    };
  }
}
