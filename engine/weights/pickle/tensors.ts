import { InputError, quoted } from '../../errors.ts';
import { BYTES_PER_ELEMENT, byteLength } from '../dtypes.ts';
import type { Dtype, StoredTensor } from '../source.ts';
import { PARAMETER_CALLS, STORAGES, TENSOR_CALLS } from './names.ts';
import { Call, Dictionary, Name, Persistent, type Value } from './values.ts';

/** Bounds, far above any checkpoint. */
const MAX_TENSORS = 100_000;
const MAX_VISITS = 1_000_000;
const MAX_DEPTH = 12;
const MAX_NAME_LENGTH = 1024;
const MAX_DIMENSIONS = 16;

/** Where the bytes of a storage are; its length in bytes. */
export interface Storage {
  offset: number;
  length: number;
}
/** Finds a storage by its key. @throws InputError if it is missing */
type FindStorage = (key: string, dtype: Dtype, elements: number) => Storage;

/** The content of a file: tensors by name, and texts and numbers beside them. */
export interface Pickled {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/**
 * The tensors in a pickle's value: those of its `state_dict` if it has one; names of nested dictionaries are joined by
 * dots.
 * @throws InputError that names the tensor that is damaged or stored in an unsupported layout
 */
export function tensorsIn(root: Value, file: string, find: FindStorage): Pickled {
  const tensors = new Map<string, StoredTensor>();
  let visits = 0;
  const visit = (value: Value, name: string, depth: number): void => {
    if (++visits > MAX_VISITS || depth > MAX_DEPTH)
      throw new InputError(
        `${file} is a pickle whose parts are nested too deep, or too many; it is refused.`,
      );
    const tensor = tensorOf(value, name, file, find);
    if (tensor) {
      if (tensors.size >= MAX_TENSORS) throw new InputError(`${file} has more than ${MAX_TENSORS} tensors.`);
      tensors.set(name, tensor);
      return;
    }
    for (const [key, inner] of entriesOf(value))
      visit(inner, name === '' ? key : `${name}.${key}`, depth + 1);
  };
  const inner = root instanceof Dictionary ? root.get('state_dict') : undefined;
  visit(inner instanceof Dictionary ? inner : root, '', 0);
  return { tensors, metadata: root instanceof Dictionary ? textsOf(root) : {} };
}

/** Parts of a dictionary; of a module of PyTorch, its parameters. */
function entriesOf(value: Value): Iterable<[string, Value]> {
  if (!(value instanceof Dictionary)) return [];
  const parameters = value.state instanceof Dictionary ? value.state.get('_parameters') : undefined;
  return parameters instanceof Dictionary ? [...value, ...parameters] : value;
}

function textsOf(root: Dictionary): Record<string, string> {
  const texts = [...root].filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  return Object.fromEntries(texts.map(([key, value]) => [key, String(value)]));
}

function tensorOf(value: Value, name: string, file: string, find: FindStorage): StoredTensor | undefined {
  if (!(value instanceof Call)) return undefined;
  if (PARAMETER_CALLS.includes(value.name.path)) return tensorOf(value.args[0] ?? null, name, file, find);
  if (!TENSOR_CALLS.includes(value.name.path)) return undefined;
  const damaged = (what: string) =>
    new InputError(`${file}: tensor ${quoted(name)} ${what}; the file is damaged, get it again.`);
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) throw damaged('has an empty or over-long name');
  const [persistent, start, shape, strides] = value.args;
  if (!(persistent instanceof Persistent) || !Array.isArray(persistent.id)) throw damaged('has no storage');
  const [kind, type, key, , elements] = persistent.id;
  const dtype = type instanceof Name ? STORAGES[type.path] : undefined;
  if (kind !== 'storage' || !dtype || typeof key !== 'string') throw damaged('has no valid storage');
  if (!isWhole(elements) || !isWhole(start)) throw damaged('has no valid storage');
  if (
    !areWhole(shape) ||
    !areWhole(strides) ||
    shape.length !== strides.length ||
    shape.length > MAX_DIMENSIONS
  )
    throw damaged('has no valid shape');
  const storage = find(key, dtype, elements);
  const length = byteLength(dtype, shape);
  const from = start * BYTES_PER_ELEMENT[dtype];
  if (length === undefined || from + length > storage.length)
    throw damaged('is beyond the end of its storage');
  const stored = { name, dtype, shape, file, offset: storage.offset + from, length };
  if (isRowMajor(shape, strides)) return stored;
  const [rows, columns] = shape;
  if (shape.length === 2 && strides[0] === 1 && strides[1] === rows && columns)
    return { ...stored, transposed: true };
  throw new InputError(
    `${file}: tensor ${quoted(name)} of shape [${shape}] has the strides [${strides}], which are not read; save the model as safetensors.`,
  );
}

/** Whether elements are in order without gaps; strides of axes with one element do not matter. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return shape.includes(0);
    expected *= shape[axis]!;
  }
  return true;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function areWhole(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isWhole);
}
