import type { StoredTensor, WeightSource } from './source.ts';

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, StoredTensor>;

/** The tensors of a checkpoint below a prefix, by what follows it. */
export function below(source: WeightSource, prefix: string): Map<string, StoredTensor> {
  const found = new Map<string, StoredTensor>();
  for (const name of source.names())
    if (name.startsWith(prefix)) found.set(name.slice(prefix.length), source.find(name)!);
  return found;
}

/** The same tensors by the names that `rename` gives; those for which it gives none are left out. */
export function renamed(
  tensors: Tensors,
  rename: (name: string) => string | undefined,
): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const other = rename(name);
    if (other !== undefined) result.set(other, { ...tensor, name: other });
  }
  return result;
}

/** Part of a tensor along its first axis: where several matrices are stored as one. */
export function rowsOf(tensor: StoredTensor, from: number, count: number): StoredTensor {
  // Rows that do not lie one behind the other cannot be a range of the file: an error when they are read.
  if (tensor.axes && tensor.axes[0] !== 0)
    return {
      ...tensor,
      dtype: `${tensor.dtype} stored the other way round`,
      shape: [count, ...tensor.shape.slice(1)],
    };
  const [rows = 0, ...rest] = tensor.shape;
  const each = tensor.length / rows;
  const part = { shape: [count, ...rest], offset: tensor.offset + from * each, length: count * each };
  return { ...tensor, ...part, ...(tensor.scale && { scale: rowsOf(tensor.scale, from, count) }) };
}

/** A matrix that is stored transposed. */
export function transposedOf(tensor: StoredTensor): StoredTensor {
  return { ...tensor, shape: tensor.shape.toReversed(), axes: [1, 0] };
}

/** Tensors as the weights of a network. */
export function sourceOf(tensors: Tensors, origin: string): WeightSource {
  return { origin, names: () => tensors.keys(), find: (name) => tensors.get(name) };
}
