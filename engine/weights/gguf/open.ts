import { InputError, quoted } from '../../errors.ts';
import { openTensorFile } from '../opened-file.ts';
import type { StoredTensor, TensorFile } from '../source.ts';
import { SequentialReader } from './reader.ts';
import { GGUF_TYPES, OTHER_TYPES } from './types.ts';

/** Bounds, far above any checkpoint. */
const MAX_TENSORS = 100_000;
const MAX_ENTRIES = 100_000;
const MAX_TEXT = 1 << 20;
const MAX_NAME = 1024;
const MAX_ARRAY = 10_000_000;
const MAX_KEPT = 64;
const MAX_DIMENSIONS = 4;
/** Dimensions of a tensor before it was reshaped. */
const MAX_SHAPE = 16;
const MAX_ALIGNMENT = 1 << 20;

/** Kinds of metadata: ggml's `gguf_type`. */
const NUMBERS: ReadonlyMap<number, readonly ['int' | 'uint' | 'float', 1 | 2 | 4 | 8]> = new Map([
  [0, ['uint', 1]],
  [1, ['int', 1]],
  [2, ['uint', 2]],
  [3, ['int', 2]],
  [4, ['uint', 4]],
  [5, ['int', 4]],
  [6, ['float', 4]],
  [7, ['uint', 1]],
  [10, ['uint', 8]],
  [11, ['int', 8]],
  [12, ['float', 8]],
] as const);
const TEXT = 8;
const ARRAY = 9;

/** ComfyUI-GGUF's metadata about tensors that it reshaped to fit blocks. */
const SHAPE_KEY = 'comfy.gguf.orig_shape.';

export function isGguf(head: Uint8Array): boolean {
  return head[0] === 0x47 && head[1] === 0x47 && head[2] === 0x55 && head[3] === 0x46;
}

interface Description {
  name: string;
  dims: number[];
  type: number;
  offset: number;
}

/**
 * Opens a GGUF file (ggml's docs/gguf.md, versions 2 and 3). Only its header is read. Quantized tensors have a type of
 * `GGUF_TYPES`, which `dequantized` turns into numbers.
 * @throws InputError that names the tensor that is damaged or of a type that is not read
 */
export function openGguf(place: string): Promise<TensorFile> {
  return openTensorFile(place, async (handle, file, size) => {
    const reader = new SequentialReader(handle, file, size);
    reader.skip(4);
    const version = await reader.uint32();
    if (version !== 2 && version !== 3)
      throw new InputError(`${file} is GGUF of version ${version}; versions 2 and 3 are read.`);
    const [tensorCount, entryCount] = [await reader.uint64(), await reader.uint64()];
    if (tensorCount > MAX_TENSORS || entryCount > MAX_ENTRIES)
      throw reader.fault('its header has too many parts');
    const entries = new Map<string, string>();
    for (let i = 0; i < entryCount; i++) {
      const key = await reader.text(MAX_NAME);
      const value = await readValue(reader, await reader.uint32());
      if (value !== undefined) entries.set(key, value);
    }
    const described: Description[] = [];
    for (let i = 0; i < tensorCount; i++) described.push(await readDescription(reader));
    const alignment = Number(entries.get('general.alignment') ?? 32);
    if (!Number.isInteger(alignment) || alignment < 1 || alignment > MAX_ALIGNMENT)
      throw reader.fault('its alignment is not valid');
    const begin = Math.ceil(reader.position / alignment) * alignment;
    const found = new Map<string, StoredTensor>();
    for (const one of described) {
      if (found.has(one.name)) throw reader.fault(`it has the tensor ${quoted(one.name)} twice`);
      found.set(one.name, placed(one, file, begin, size, entries.get(SHAPE_KEY + one.name)));
    }
    return { tensors: found, metadata: Object.fromEntries(entries) };
  });
}

/** A value as text; short lists with commas; undefined for longer ones, which are skipped. */
async function readValue(reader: SequentialReader, kind: number): Promise<string | undefined> {
  const number = NUMBERS.get(kind);
  if (number) return reader.number(...number);
  if (kind === TEXT) return reader.text(MAX_TEXT);
  if (kind !== ARRAY) throw reader.fault(`its metadata has a value of the unknown kind ${kind}`);
  const inner = await reader.uint32();
  const count = await reader.uint64();
  if (count > MAX_ARRAY || inner === ARRAY) throw reader.fault('a list of its metadata is too long');
  const size = NUMBERS.get(inner)?.[1];
  if (size && count > MAX_KEPT) {
    reader.skip(count * size);
    return undefined;
  }
  const kept: string[] = [];
  for (let i = 0; i < count; i++) {
    const item = await readValue(reader, inner);
    if (kept.length <= MAX_KEPT) kept.push(item ?? '');
  }
  return kept.length <= MAX_KEPT ? kept.join(',') : undefined;
}

async function readDescription(reader: SequentialReader): Promise<Description> {
  const name = await reader.text(MAX_NAME);
  const count = await reader.uint32();
  if (name === '' || count > MAX_DIMENSIONS)
    throw reader.fault(`the tensor ${quoted(name)} has no valid shape`);
  const dims: number[] = [];
  for (let i = 0; i < count; i++) dims.push(await reader.uint64());
  return { name, dims, type: await reader.uint32(), offset: await reader.uint64() };
}

/** A tensor with its shape as PyTorch has it: the innermost axis last. */
function placed(
  { name, dims, type, offset }: Description,
  file: string,
  begin: number,
  size: number,
  original: string | undefined,
): StoredTensor {
  const wrong = (what: string) => new InputError(`${file}: tensor ${quoted(name)} ${what}.`);
  const known = GGUF_TYPES.get(type);
  if (!known)
    throw wrong(
      `is quantized as ${OTHER_TYPES.get(type) ?? `type ${type}`}, which is not read; get it as Q4_K, Q8_0 or F16`,
    );
  const elements = dims.reduce((product, dimension) => product * dimension, 1);
  const length = (elements / known.values) * known.bytes;
  if ((dims[0] ?? 1) % known.values || !Number.isSafeInteger(length))
    throw wrong(`of shape [${dims.toReversed()}] does not fit blocks of ${known.values} values`);
  if (begin + offset + length > size)
    throw wrong('is beyond the end of the file; it is cut off, get it again');
  const shape = original?.split(',').map(Number) ?? dims.toReversed();
  const isShape = shape.length <= MAX_SHAPE && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!isShape || shape.reduce((product, dimension) => product * dimension, 1) !== elements)
    throw wrong(`has the shape [${shape.slice(0, MAX_SHAPE)}], but ${elements} values`);
  return { name, dtype: known.name, shape, file, offset: begin + offset, length };
}
