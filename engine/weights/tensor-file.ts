import { InputError } from '../errors.ts';
import { isGguf, openGguf } from './gguf/open.ts';
import { OTHER_BYTES, otherFile } from './other-file.ts';
import { isLegacyPickle, isZip, openPickle } from './pickle/open.ts';
import { readRange, withFile } from './range.ts';
import { openSafetensors } from './safetensors.ts';
import type { TensorFile } from './source.ts';

/** Endings of files that hold a model's weights. */
export const TENSOR_FILE = /\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$/i;

/**
 * Opens a file of tensors: safetensors, PyTorch's archives and older files, GGUF. Its content decides the format, not
 * its name. A pickle is read without being run.
 * @throws InputError if it cannot be read, or is of none of the formats
 */
export async function openTensors(place: string): Promise<TensorFile> {
  const head = await withFile(place, (reader, size) =>
    readRange(reader, place, 0, Math.min(size, OTHER_BYTES)),
  );
  if (isZip(head) || isLegacyPickle(head)) return openPickle(place);
  if (isGguf(head)) return openGguf(place);
  if (head[0] === 0x80 && head[1]! <= 5 && head[2] !== 0)
    throw new InputError(
      `${place} is a pickle, but none of the formats in which PyTorch saves tensors; it is refused, and nothing of it was run.`,
    );
  const other = otherFile(head);
  if (other) throw new InputError(`${place} is ${other}. It holds no model.`);
  return openSafetensors(place);
}
