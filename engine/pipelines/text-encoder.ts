import type { Precision } from '../../shared/api.ts';
import { InputError, quoted } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import { countMacs } from '../graph/macs.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import { float32, floats, int64, type Tensor } from '../graph/tensor.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import type { TextRole } from '../models/pipelines.ts';
import { skippedStates, textInputs, textWidth } from '../networks/clip-text.ts';
import { requireFinite } from '../numbers.ts';
import { readKnownWords, unknownWarnings } from '../text/known-words.ts';
import { chunkPrompt, type PromptChunk } from '../text/prompt-chunks.ts';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import { NO_WORDS } from '../text/trained-words.ts';
import type { Embeddings } from './embeddings.ts';
import { strengthen } from './emphasis.ts';

export interface EncodedText {
  /** States that the denoiser attends to, for each prompt: [prompts, length, channels]. */
  states: Tensor & { type: 'float32' };
  /** 1 for states that are read, 0 for padding: int64 [prompts, length]. All are read if absent. */
  mask?: Tensor;
  /** Pooled embedding of each prompt, if the model has one: [prompts, channels]. */
  pooled?: Tensor & { type: 'float32' };
  /** Sentences about prompts that were cut, and words of the first one that the model does not know. */
  warnings: string[];
  /** Multiply–accumulates that encoding takes. */
  macs: number;
}

/** Options for reading prompts. */
export interface Reading {
  embeddings?: Embeddings;
  /** Layers from the last: 1 is the last one, 2 the one before it; what the model was trained with if absent. */
  clipSkip?: number;
}

/** Encodes a prompt and, if there is one, the negative prompt, in this order. */
export interface PromptEncoder {
  encode(prompts: readonly string[], reading?: Reading): Promise<EncodedText>;
}

/** One text encoder with its tokenizer. */
interface Reader {
  part: TextRole;
  tokenizer: Tokenizer;
}

/**
 * Encodes prompts of any length, in chunks, with emphasis. With two text encoders (SDXL) the states before their last
 * layers are concatenated, and the second one gives the pooled embedding, from the first chunk. Remembers the last
 * prompts.
 */
export class TextEncoder implements PromptEncoder {
  readonly #components: Components;
  readonly #readers: readonly Reader[];
  readonly #unknownIn: (prompt: string) => string[];
  #last: { key: string; encoded: EncodedText } | undefined;

  private constructor(
    components: Components,
    readers: readonly Reader[],
    unknownIn: (prompt: string) => string[],
  ) {
    this.#components = components;
    this.#readers = readers;
    this.#unknownIn = unknownIn;
  }

  /** Reads the model's tokenizers. */
  static async open(model: DiffusionModel, components: Components): Promise<TextEncoder> {
    const places = await Promise.all(model.textRoles.map((part) => model.tokenizer(part)));
    const readers = model.textRoles.map(async (part, i) => ({
      part,
      tokenizer: await loadTokenizer(places[i]!.folder, places[i]!.pad),
    }));
    const words = await readKnownWords(places[0]!.folder);
    return new TextEncoder(components, await Promise.all(readers), (prompt) =>
      // The model's own words for a removal are not the user's.
      prompt === model.defaults.removalPrompt ? [] : unknownWarnings(words, model.name, prompt),
    );
  }

  async encode(prompts: readonly string[], reading: Reading = {}): Promise<EncodedText> {
    const precision: Precision = this.#components.textPrecision;
    const key = JSON.stringify([precision, reading.clipSkip, reading.embeddings?.key, prompts]);
    if (this.#last?.key === key) return this.#last.encoded;
    const parts: EncodedText[] = [];
    for (const reader of this.#readers) parts.push(await this.#read(reader, prompts, reading));
    const pooled = parts.find((part) => part.pooled)?.pooled;
    const encoded = {
      states: sideBySide(parts.map(({ states }) => states)),
      ...(pooled && { pooled }),
      warnings: [...parts[0]!.warnings, ...this.#unknownIn(prompts[0] ?? '')],
      macs: parts.reduce((sum, { macs }) => sum + macs, 0),
    };
    this.#last = { key, encoded };
    return encoded;
  }

  /** Numbers a token of each text encoder. */
  #widths(): ReadonlyMap<TextRole, number> {
    return new Map(this.#readers.map(({ part }) => [part, textWidth(this.#components.network(part))]));
  }

  async #read(
    { part, tokenizer }: Reader,
    prompts: readonly string[],
    { embeddings, clipSkip }: Reading,
  ): Promise<EncodedText> {
    const program = await this.#components.program(part);
    const network = this.#components.network(part);
    const empty = chunkPrompt(tokenizer, '').chunks[0]!;
    const { words, table } = embeddings?.wordsFor(part, this.#widths()) ?? { words: NO_WORDS, table: [] };
    const texts = prompts.map((prompt) => chunkPrompt(tokenizer, prompt, words));
    const most = Math.max(...texts.map(({ chunks }) => chunks.length));
    const chunks = texts.flatMap((text) => [
      ...text.chunks,
      ...Array.from({ length: most - text.chunks.length }, () => empty),
    ]);
    const emphasised = chunks.some(({ weights }) => weights.some((weight) => weight !== 1));
    const rows = emphasised ? [...chunks, empty] : chunks;
    const used = rows.flatMap((chunk) => [...chunk.ids]);
    checkIds(network, 'token_embedding.weight', used, (id) => tokenizer.text([id]));
    const length = tokenizer.maxLength;
    const size = tableSize(network);
    const idOf = (id: number) => BigInt(id < 0 ? size - 1 - id : id);
    const ids = BigInt64Array.from(rows.flatMap((chunk) => Array.from(chunk.ids, idOf)));
    const name = skippedStates(network, clipSkip, this.#readers.length > 1);
    const projected = network.outputs.get('projected');
    const outputs = await program.run(
      textInputs(network, int64(ids, [rows.length, length]), table),
      projected ? [name, 'projected'] : [name],
    );
    const data = floats(outputs, name);
    requireFinite(data, `The text encoder (${part})`);
    const channels = data.length / (rows.length * length);
    const each = length * channels;
    const states = data.slice(0, chunks.length * each);
    if (emphasised)
      for (const [i, { weights }] of chunks.entries())
        strengthen(states.subarray(i * each, (i + 1) * each), data.subarray(-each), weights);
    return {
      states: float32(states, [prompts.length, most * length, channels]),
      ...(projected?.kind === 'tokens' && {
        pooled: pooledRows(floats(outputs, 'projected'), chunks, most, projected.channels),
      }),
      warnings: texts.flatMap(({ truncated, warnings }) => [
        ...warnings,
        ...(truncated ? [`The prompt is too long; this part was left out: ${truncated}`] : []),
      ]),
      macs: countMacs(network, { height: 1, width: 1, batch: rows.length, tokens: length }).total,
    };
  }
}

/** Tokens that a text encoder knows. */
function tableSize(network: Network): number {
  return weightsOf(network).find(({ name }) => name.endsWith('token_embedding.weight'))!.shape[0]!;
}

/**
 * @param table end of the name of the table of embeddings
 * @throws InputError for a token that the tokenizer knows and the network does not
 */
export function checkIds(
  network: Network,
  table: string,
  ids: readonly number[],
  textOf: (id: number) => string,
): void {
  const size = weightsOf(network).find(({ name }) => name.endsWith(table))?.shape[0];
  const beyond = ids.find((id) => id >= (size ?? Number.POSITIVE_INFINITY));
  if (beyond !== undefined)
    throw new InputError(
      `The tokenizer gives ${quoted(textOf(beyond) || 'a special token')} the number ${beyond}, but the text encoder knows ${size} tokens only: get the whole model again.`,
    );
}

/** The rows of every prompt's first chunk at its eos, from [rows, length, channels]. */
function pooledRows(
  projected: Float32Array,
  chunks: readonly PromptChunk[],
  perPrompt: number,
  channels: number,
): EncodedText['states'] {
  const firsts = chunks.flatMap(({ end, ids }, i) => (i % perPrompt === 0 ? [i * ids.length + end] : []));
  const pooled = new Float32Array(firsts.length * channels);
  for (const [i, row] of firsts.entries())
    pooled.set(projected.subarray(row * channels, (row + 1) * channels), i * channels);
  return float32(pooled, [firsts.length, channels]);
}

/** [P, L, C₁], [P, L, C₂], … → [P, L, C₁ + C₂ + …]. */
function sideBySide(parts: readonly EncodedText['states'][]): EncodedText['states'] {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const [prompts, length] = first!.dims as [number, number, number];
  const channels = parts.reduce((sum, { dims }) => sum + dims[2]!, 0);
  const data = new Float32Array(prompts * length * channels);
  let offset = 0;
  for (const { data: part, dims } of parts) {
    const own = dims[2]!;
    for (let row = 0; row < prompts * length; row++)
      data.set(part.subarray(row * own, (row + 1) * own), row * channels + offset);
    offset += own;
  }
  return float32(data, [prompts, length, channels]);
}
