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
    if (value instanceof Call && PARAMETER_CALLS.includes(value.name.path)) {
      visit(value.args[0] ?? null, name, depth + 1);
      return;
    }
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
  if (!(value instanceof Call) || !TENSOR_CALLS.includes(value.name.path)) return undefined;
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
  const axes = axesOf(shape, strides);
  if (length === undefined || from + (axes ? length : 0) > storage.length)
    throw damaged('is beyond the end of its storage');
  const stored = { name, dtype, shape, file, offset: storage.offset + from, length };
  // An error where it is read, so that one such tensor beside a model does not matter.
  if (!axes) return { ...stored, dtype: `${dtype} with gaps (strides ${strides})`, length: 0 };
  return axes.some((axis, i) => axis !== i) ? { ...stored, axes } : stored;
}

/**
 * The order in which a tensor's axes lie in its storage, the outermost first: [0, 2, 3, 1] for PyTorch's channels-last
 * format. Undefined if elements have gaps between them or are shared. Axes of one element stay where they are.
 */
function axesOf(shape: readonly number[], strides: readonly number[]): number[] | undefined {
  const order = shape.map((_, axis) => axis);
  if (shape.includes(0)) return order;
  const long = order.filter((axis) => shape[axis] !== 1).sort((a, b) => strides[b]! - strides[a]! || a - b);
  let expected = 1;
  for (const axis of long.toReversed()) {
    if (strides[axis] !== expected) return undefined;
    expected *= shape[axis]!;
  }
  return order.map((axis) => (shape[axis] === 1 ? axis : long.shift()!));
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function areWhole(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isWhole);
}
