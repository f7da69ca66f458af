import { type FileReader, fs, path } from '#host';
import { inVersion, versionOf } from './file-version.ts';
import { withFile } from './range.ts';
import type { StoredTensor, TensorFile } from './source.ts';

/** The content of a file's header. */
export interface Described {
  tensors: ReadonlyMap<string, StoredTensor>;
  metadata: TensorFile['metadata'];
}

/**
 * Opens a file of tensors of some format and closes it after its header.
 * @param place as the user names it, for errors
 * @param read reads the header
 */
export async function openTensorFile(
  place: string,
  read: (reader: FileReader, file: string, size: number) => Promise<Described>,
): Promise<TensorFile> {
  // ONNX Runtime refuses weights behind a link out of their folder, and the hub's cache consists of such links.
  const file = await fs.realpath(path.resolve(place)).catch(() => path.resolve(place));
  const { tensors, metadata } = await withFile(file, async (reader, size) => {
    const version = await versionOf(file);
    const described = await read(reader, file, size);
    return { ...described, tensors: inVersion(described.tensors, version) };
  });
  return {
    file,
    origin: path.resolve(place),
    metadata,
    names: () => tensors.keys(),
    find: (name) => tensors.get(name),
  };
}
