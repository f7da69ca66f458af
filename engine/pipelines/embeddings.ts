import { messageOf } from '../../shared/errorMessage.ts';
import type { TextRole } from '../models/pipelines.ts';
import { allFinite } from '../numbers.ts';
import { shown } from '../text/prompt-tags.ts';
import { NO_WORDS, type TrainedWords } from '../text/trained-words.ts';
import { openEmbedding, type TrainedWord } from '../weights/embeddings.ts';
import { readFloat32 } from '../weights/read.ts';
import type { StoredTensor } from '../weights/source.ts';

/** The trained words that prompts may name, and the vectors of those that they do. */
export class Embeddings {
  readonly #words: readonly TrainedWord[];
  readonly #values = new Map<StoredTensor, Float32Array>();
  /** Why named words cannot be read, by name. */
  readonly #broken: ReadonlyMap<string, string>;
  /** Changes with the files, so that encoded prompts can be remembered. */
  readonly key: string;

  private constructor(words: readonly TrainedWord[], broken: ReadonlyMap<string, string>) {
    this.#words = words;
    this.#broken = broken;
    this.key = words.map(({ file, names }) => `${file} ${names.join()}`).join('\n');
  }

  /**
   * Reads what the prompts name. `given`: files that the user chose; `found`: files by name, from folders; one of these
   * that cannot be read matters only if a prompt names it.
   * @throws InputError for a chosen file that holds no trained words
   */
  static async open(
    prompts: readonly string[],
    given: readonly string[],
    found: ReadonlyMap<string, string>,
  ): Promise<Embeddings> {
    const text = prompts.join('\n').toLowerCase();
    const words = (await Promise.all(given.map(openEmbedding))).flat();
    const broken = new Map<string, string>();
    const files = new Map<string, string[]>();
    for (const [name, file] of found) files.set(file, [...(files.get(file) ?? []), name]);
    for (const [file, names] of files) {
      try {
        const here = await openEmbedding(file);
        words.push(
          ...here.map((word) => ({
            ...word,
            names: [...new Set([...word.names, ...(here.length === 1 ? names : [])])],
          })),
        );
      } catch (error) {
        for (const name of names) broken.set(name, messageOf(error));
      }
    }
    const named = words.filter(({ names }) => names.some((name) => text.includes(name)));
    const embeddings = new Embeddings(named, broken);
    for (const { vectors } of named)
      for (const tensor of Object.values(vectors)) embeddings.#values.set(tensor, await readFloat32(tensor));
    return embeddings;
  }

  /**
   * The words as one of a model's text encoders reads them, and the table that their ids point into, which fills as
   * they are read. `widths`: numbers a token of each of the model's text encoders.
   */
  wordsFor(
    part: TextRole,
    widths: ReadonlyMap<TextRole, number>,
  ): { words: TrainedWords; table: Float32Array[] } {
    const table: Float32Array[] = [];
    const known = new Map<string, readonly number[] | { warning: string }>();
    const idsOf: TrainedWords['idsOf'] = (name) => {
      const key = name.toLowerCase().replaceAll('\\', '/');
      if (!known.has(key)) known.set(key, this.#idsOf(key, part, widths, table));
      return known.get(key)!;
    };
    return { words: { bare: this.#words.flatMap(({ names }) => names), idsOf }, table };
  }

  #idsOf(
    name: string,
    part: TextRole,
    widths: ReadonlyMap<TextRole, number>,
    table: Float32Array[],
  ): readonly number[] | { warning: string } {
    const plain = name.replace(/\.(safetensors|pt|bin)$/, '');
    const word = this.#words.find(({ names }) => names.includes(name) || names.includes(plain));
    const left = `embedding:${shown(name)} in the prompt was left out: `;
    if (!word) {
      const why = this.#broken.get(plain);
      return why ? { warning: `${left}${why}` } : NO_WORDS.idsOf(name);
    }
    const fitting = (of: TextRole) => vectorsOf(word, of, widths.get(of)!);
    const tensor = fitting(part);
    if (!tensor) {
      if ([...widths.keys()].some(fitting)) return [];
      const has = Object.values(word.vectors)
        .map(({ shape }) => shape.at(-1))
        .join(' and ');
      return {
        warning: `${left}${word.file} is made for another model, whose tokens have ${has} numbers; here they have ${[...widths.values()].join(' and ')}.`,
      };
    }
    const values = this.#values.get(tensor)!;
    if (!allFinite(values)) return { warning: `${left}${word.file} holds numbers that are not finite.` };
    const width = tensor.shape.at(-1)!;
    const ids: number[] = [];
    for (let at = 0; at < values.length; at += width) {
      ids.push(-1 - table.length);
      table.push(values.subarray(at, at + width));
    }
    return ids;
  }
}

/** The vectors for a text encoder, if they have its width. */
function vectorsOf({ vectors }: TrainedWord, part: TextRole, width: number): StoredTensor | undefined {
  const own = part === 'text-encoder' ? vectors.clip_l : vectors.clip_g;
  return [own, vectors.any].find((tensor) => tensor?.shape.at(-1) === width);
}
