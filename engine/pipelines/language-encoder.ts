import type { Precision } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import { countMacs } from '../graph/macs.ts';
import { float32, floats, int64 } from '../graph/tensor.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { requireFinite } from '../numbers.ts';
import { remembered } from '../remembered.ts';
import { type LanguageTokenizer, loadLanguageTokenizer } from '../text/language-tokenizer.ts';
import type { PromptForm } from '../text/prompt-form.ts';
import { type KnownPrefix, knownPrefix, nothingKnown } from './known-prefix.ts';
import { checkIds, type EncodedText, type PromptEncoder } from './text-encoder.ts';

const PART = 'text-encoder';

/** Bytes of the encodings that are remembered; one takes up to 16 MB. */
const MAX_REMEMBERED = 64e6;

/** The states of one prompt that the denoiser reads. */
interface Encoding {
  /** [length, channels] */
  states: Float32Array;
  length: number;
  macs: number;
  warnings: string[];
}

/** A prompt as the language model is given it. */
interface Given {
  ids: number[];
  /** 1 for tokens of the text, 0 for padding. */
  mask: number[];
  /** From which token on states are read, beside the first one. */
  from: number;
  /** The first of these tokens, which are the same for all prompts. */
  prefix?: number[];
  warnings: string[];
}

/**
 * Encodes prompts with a language model, as the model's `PromptForm` says. Padding that is not read is not computed,
 * because attention is causal. Keys and values of an instruction before all prompts are computed once. Encodings are
 * remembered by their text, so that a prompt used again needs no language model.
 */
export class LanguageEncoder implements PromptEncoder {
  readonly #components: Components;
  readonly #tokenizer: LanguageTokenizer;
  readonly #form: PromptForm;
  readonly #known = new Map<string, Encoding>();
  /** By precision. */
  readonly #prefixes = new Map<Precision, Promise<KnownPrefix>>();

  private constructor(components: Components, tokenizer: LanguageTokenizer, form: PromptForm) {
    this.#components = components;
    this.#tokenizer = tokenizer;
    this.#form = form;
  }

  /** Reads the model's tokenizer. */
  static async open(model: DiffusionModel, components: Components): Promise<LanguageEncoder> {
    const { prompts } = model;
    if (!prompts) throw new InputError(`${model.name}: such a pipeline has no language model.`);
    const tokenizer = await loadLanguageTokenizer((await model.tokenizer(PART)).folder);
    return new LanguageEncoder(components, tokenizer, prompts);
  }

  /** The first prompt, and the negative one if there is a second. */
  async encode(prompts: readonly string[]): Promise<EncodedText> {
    const encodings: Encoding[] = [];
    for (const [i, prompt] of prompts.entries()) encodings.push(await this.#encoding(prompt, i > 0));
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
      ...(!this.#form.padded && { mask: int64(mask, [prompts.length, most]) }),
      warnings: encodings.flatMap(({ warnings }) => warnings),
      macs: encodings.reduce((sum, { macs }) => sum + macs, 0),
    };
  }

  async #encoding(prompt: string, isNegative: boolean): Promise<Encoding> {
    const text = (this.#form.lowerCase ? prompt.toLowerCase() : prompt).trim();
    const key = `${this.#components.textPrecision} ${isNegative} ${text}`;
    const known = this.#known.get(key);
    this.#known.delete(key);
    const encoding = known ? { ...known, macs: 0 } : await this.#compute(this.#given(text, isNegative));
    this.#known.set(key, encoding);
    let bytes = [...this.#known.values()].reduce((sum, { states }) => sum + states.byteLength, 0);
    for (const [oldest, { states }] of this.#known) {
      if (bytes <= MAX_REMEMBERED || oldest === key) break;
      this.#known.delete(oldest);
      bytes -= states.byteLength;
    }
    return encoding;
  }

  #given(text: string, isNegative: boolean): Given {
    const tokenizer = this.#tokenizer;
    const { around: [before, behind] = ['', ''], instruction = '', tokens, padded } = this.#form;
    const prefix = isNegative ? '' : instruction;
    const begin = prefix === '' ? [] : tokenizer.encode(prefix);
    const first = Math.max(1, begin.length);
    const all = tokenizer.encode(prefix + before + text + behind);
    // As diffusers counts: the first token, and the instruction's last one, are among those that are read.
    const ids = all.slice(0, first + tokens - (prefix === '' ? 1 : 2));
    const left = all.slice(ids.length);
    const padding = padded ? tokens - ids.length : 0;
    return {
      ids: [...ids, ...new Array<number>(padding).fill(tokenizer.pad)],
      mask: [...ids.map(() => 1), ...new Array<number>(padding).fill(0)],
      from: Math.max(1, first - 1),
      // Without the last one: how a text goes on decides what its end becomes.
      ...(begin.length > 1 && { prefix: begin.slice(0, -1) }),
      warnings:
        left.length > 0 ? [`The prompt is too long; this part was left out: ${tokenizer.text(left)}`] : [],
    };
  }

  async #compute({ ids, mask, from, prefix, warnings }: Given): Promise<Encoding> {
    const network = this.#components.network(PART);
    checkIds(network, 'embed_tokens.weight', ids, (id) => this.#tokenizer.text([id]));
    const name = ['prompt_embeds', 'last_hidden_state'].find((output) => network.outputs.has(output))!;
    const macs = (tokens: number) => countMacs(network, { height: 1, width: 1, batch: 1, tokens }).total;
    const before = macs(this.#prefixes.has(this.#components.textPrecision) ? (prefix?.length ?? 0) : 0);
    const known = prefix?.every((id, i) => id === ids[i]) ? await this.#prefix(prefix, name) : undefined;
    const given = await this.#states({ ids, mask }, name, known);
    requireFinite(given, `The text encoder (${PART})`);
    const start = known?.ids.length ?? 0;
    const channels = given.length / (ids.length - start);
    const length = 1 + ids.length - from;
    const read = new Float32Array(length * channels);
    read.set(known?.first ?? given.subarray(0, channels));
    read.set(given.subarray((from - start) * channels), channels);
    return { states: read, length, macs: macs(ids.length) - before, warnings };
  }

  /** The states [tokens, channels] of a text, or of what follows `known` in it. */
  async #states({ ids, mask }: Pick<Given, 'ids' | 'mask'>, name: string, known?: KnownPrefix) {
    // Where prompts have an instruction, all of them are read by the same program.
    const continued = this.#form.instruction ? await this.#components.continued(PART) : undefined;
    const program = continued ?? (await this.#components.program(PART));
    const fresh = ids.slice(known?.ids.length ?? 0);
    const before = continued && (known?.feeds ?? nothingKnown(this.#components.network(PART)));
    const outputs = await program.run(
      {
        input_ids: int64(BigInt64Array.from(fresh, BigInt), [1, fresh.length]),
        attention_mask: int64(BigInt64Array.from(mask, BigInt), [1, ids.length]),
        ...before,
      },
      [name],
    );
    return floats(outputs, name);
  }

  /** The instruction's keys and values; undefined where they cannot be used. */
  async #prefix(ids: readonly number[], output: string): Promise<KnownPrefix | undefined> {
    if (!(await this.#components.continued(PART))) return undefined;
    const precision = this.#components.textPrecision;
    return remembered(this.#prefixes, precision, () => knownPrefix(this.#components, PART, ids, output));
  }
}
