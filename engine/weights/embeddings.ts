import { path } from '#host';
import { InputError, quoted } from '../errors.ts';
import type { StoredTensor } from './source.ts';
import { openTensors } from './tensor-file.ts';

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

/** AUTOMATIC1111's dictionary in a file of PyTorch: the vectors, and beside them the number of the word's token. */
const STRING_TO_PARAM = 'string_to_param.';
const STRING_TO_TOKEN = 'string_to_token.';

/** Vectors for SDXL's encoders, as different tools name them. */
const CLIP_L = ['clip_l', 'text_encoders_0'];
const CLIP_G = ['clip_g', 'text_encoders_1'];

/**
 * Reads the header of a file of trained words, safetensors or PyTorch's: AUTOMATIC1111's (`emb_params`,
 * `string_to_param`) and SDXL's (`clip_l`, `clip_g`), whose word is the file's name; diffusers' (`learned_embeds`),
 * whose keys are the words.
 * @throws InputError for a file that holds something else
 */
export async function openEmbedding(file: string): Promise<TrainedWord[]> {
  const source = await openTensors(file);
  const tensors = [...source.names()]
    .filter((name) => !name.startsWith(STRING_TO_TOKEN))
    .map((name) => source.find(name)!);
  for (const { name, shape, dtype } of tensors.slice(0, MAX_WORDS + 1))
    if (
      shape.length < 1 ||
      shape.length > 2 ||
      (shape.length === 2 && shape[0]! > MAX_VECTORS) ||
      !/^B?F\d/.test(dtype) ||
      // Names in a LoRA or a network.
      /\.(?:weight|bias|alpha)$/.test(name)
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
  const [emb, clipL, clipG] = [['emb_params'], CLIP_L, CLIP_G].map((names) =>
    names.map((name) => source.find(name)).find((tensor) => tensor !== undefined),
  );
  // A file of the original code, whose word may be any text.
  const params = emb ?? tensors.find(({ name }) => name.startsWith(STRING_TO_PARAM));
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
