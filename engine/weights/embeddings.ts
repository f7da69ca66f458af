import { path } from '#host';
import { InputError, quoted } from '../errors.ts';
import { openSafetensors } from './safetensors.ts';
import type { StoredTensor } from './source.ts';

/** One trained word (Gal et al. 2022, textual inversion) and its vectors, [n, C] or [C]. */
export interface TrainedWord {
  file: string;
  /** Names under which a prompt finds it, in lower case: the word itself, the file's name. */
  names: readonly string[];
  /** For SDXL's text encoders; `any`: for whichever has vectors of that length. */
  vectors: Partial<Record<'any' | 'clip_l' | 'clip_g', StoredTensor>>;
}

/** Vectors of one word. A prompt has room for 75 tokens a chunk. */
const MAX_VECTORS = 600;

/** Words in one file. */
const MAX_WORDS = 1000;

/**
 * Reads the header of a file of trained words: AUTOMATIC1111's (`emb_params`) and SDXL's (`clip_l`, `clip_g`), whose
 * word is the file's name; diffusers' (`learned_embeds.safetensors`), whose keys are the words.
 * @throws InputError for a file that holds something else
 */
export async function openEmbedding(file: string): Promise<TrainedWord[]> {
  const source = await openSafetensors(file);
  const tensors = [...source.names()].map((name) => source.find(name)!);
  for (const { name, shape, dtype } of tensors.slice(0, MAX_WORDS + 1))
    if (
      shape.length < 1 ||
      shape.length > 2 ||
      (shape.length === 2 && shape[0]! > MAX_VECTORS) ||
      !/^B?F\d/.test(dtype)
    )
      throw new InputError(
        `${file} holds ${quoted(name)} of shape [${shape}] and type ${dtype}, which is no trained word; is it a textual inversion?`,
      );
  if (tensors.length === 0 || tensors.length > MAX_WORDS)
    throw new InputError(
      `${file} holds ${tensors.length} tensors; a textual inversion holds one for each word.`,
    );
  const own = path
    .basename(file)
    .replace(/\.[^.]+$/, '')
    .toLowerCase();
  const [params, clipL, clipG] = ['emb_params', 'clip_l', 'clip_g'].map((name) => source.find(name));
  if (params) return [{ file, names: [own], vectors: { any: params } }];
  if (clipL || clipG) {
    const vectors = { ...(clipL && { clip_l: clipL }), ...(clipG && { clip_g: clipG }) };
    return [{ file, names: [own], vectors }];
  }
  return tensors.map((tensor) => ({
    file,
    names: tensors.length > 1 ? [tensor.name.toLowerCase()] : [tensor.name.toLowerCase(), own],
    vectors: { any: tensor },
  }));
}
