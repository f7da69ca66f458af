import { InputError, quoted } from '../errors.ts';
import type { StoredTensor } from './source.ts';

/** Types of scales. */
const FLOATS = ['F32', 'F16', 'BF16'];

/**
 * Gives matrices of bytes the scales of their rows, the tensor `<name>_scale` [rows, 1, …]: a weight is its byte times
 * its row's scale. Named and laid out as by compressed-tensors ("channel" strategy, symmetric).
 * @throws InputError for a scale that does not fit its matrix
 */
export function withScales(tensors: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [name, withScale(tensor, tensors.get(`${name}_scale`))]),
  );
}

function withScale(tensor: StoredTensor, scale: StoredTensor | undefined): StoredTensor {
  if (!scale || tensor.dtype !== 'I8' || tensor.shape.length < 2) return tensor;
  const [rows, ...others] = scale.shape;
  if (rows !== tensor.shape[0] || others.some((n) => n !== 1) || !FLOATS.includes(scale.dtype))
    throw new InputError(
      `${scale.file}: tensor ${quoted(scale.name)} of type ${scale.dtype} and shape [${scale.shape}] is no scale for each row of ${quoted(tensor.name)}, which is [${tensor.shape}].`,
    );
  return { ...tensor, scale };
}
