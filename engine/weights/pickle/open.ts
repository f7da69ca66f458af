import type { FileReader } from '#host';
import { InputError, quoted } from '../../errors.ts';
import { BYTES_PER_ELEMENT } from '../dtypes.ts';
import { openTensorFile } from '../opened-file.ts';
import { readRange } from '../range.ts';
import type { Dtype, TensorFile } from '../source.ts';
import { unpickle } from './machine.ts';
import { STORAGES } from './names.ts';
import { type Pickled, type Storage, tensorsIn } from './tensors.ts';
import { Call, Dictionary, Name, Persistent, type Value } from './values.ts';
import { entryOffset, type ZipEntry, zipEntries } from './zip.ts';

/** Bound on what is unpickled: the description of tensors, not their bytes. */
const MAX_PICKLE_BYTES = 64 << 20;

/**
 * The number with which PyTorch's format before 1.6 begins, as a pickle: the protocol, from the fourth on a frame, then the
 * number.
 */
const LEGACY_MAGIC = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const LEGACY_FRAME = 0x95;
/** Bytes by which the format is told. */
const LEGACY_BYTES = 2 + 9 + LEGACY_MAGIC.length;

export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

export function isLegacyPickle(head: Uint8Array): boolean {
  const begin = head[2] === LEGACY_FRAME ? 2 + 9 : 2;
  return head[0] === 0x80 && LEGACY_MAGIC.every((byte, i) => head[begin + i] === byte);
}

/**
 * Opens a file of tensors as PyTorch saves it: an archive, or the format before PyTorch 1.6. The pickle in it is read
 * without being run; tensors stay in the file.
 * @throws InputError that names what the pickle holds beside tensors, or what is damaged
 */
export function openPickle(place: string): Promise<TensorFile> {
  return openTensorFile(place, async (reader, file, size) => {
    const head = await readRange(reader, file, 0, Math.min(size, LEGACY_BYTES));
    return isZip(head) ? readArchive(reader, file, size) : readLegacy(reader, file, size);
  });
}

async function readArchive(reader: FileReader, file: string, size: number): Promise<Pickled> {
  const entries = await zipEntries(reader, file, size);
  const name = [...entries.keys()].find((entry) => /^[^/]+\/data\.pkl$/.test(entry) || entry === 'data.pkl');
  if (name === undefined)
    throw new InputError(`${file} is an archive, but none of PyTorch's: it has no data.pkl.`);
  const folder = name.slice(0, -'data.pkl'.length);
  const read = async (entry: ZipEntry, most: number) => {
    if (entry.length > most) throw new InputError(`${file}: ${entry.name} is larger than ${most} bytes.`);
    return readRange(reader, file, await entryOffset(reader, file, size, entry), entry.length);
  };
  const order = entries.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(await read(order, 64)) !== 'little')
    throw new InputError(`${file} was saved on a big-endian machine, which is not supported.`);
  const { value } = unpickle(await read(entries.get(name)!, MAX_PICKLE_BYTES), file);
  const offsets = new Map<string, Storage>();
  for (const key of storagesIn(value).keys()) {
    const entry = entries.get(`${folder}data/${key}`);
    if (!entry) throw new InputError(`${file}: the storage ${quoted(key)} is missing; get the file again.`);
    offsets.set(key, { offset: await entryOffset(reader, file, size, entry), length: entry.length });
  }
  return tensorsIn(value, file, finderIn(offsets, file));
}

/** Magic number, protocol, system, the value, the storages' keys; then each storage behind the number of its elements. */
async function readLegacy(reader: FileReader, file: string, size: number): Promise<Pickled> {
  const bytes = await readRange(reader, file, 0, Math.min(size, MAX_PICKLE_BYTES));
  if (!isLegacyPickle(bytes)) throw new InputError(`${file} is no file of PyTorch that is read here.`);
  let end = 0;
  const next = (): Value => {
    const read = unpickle(bytes, file, end);
    end = read.end;
    return read.value;
  };
  const [, protocol, system, value, keys] = [next(), next(), next(), next(), next()];
  const isLittle = !(system instanceof Dictionary) || system.get('little_endian') !== false;
  if (protocol !== 1001 || !isLittle || !Array.isArray(keys))
    throw new InputError(`${file} is a file of PyTorch whose version or byte order is not supported.`);
  const types = storagesIn(value);
  const offsets = new Map<string, Storage>();
  for (const key of keys) {
    const dtype = typeof key === 'string' ? types.get(key) : undefined;
    if (typeof key !== 'string' || !dtype || end + 8 > size)
      throw new InputError(`${file}: its storages are damaged; get the file again.`);
    const elements = new DataView((await readRange(reader, file, end, 8)).buffer).getBigUint64(0, true);
    const length = Number(elements) * BYTES_PER_ELEMENT[dtype];
    if (!Number.isSafeInteger(length) || end + 8 + length > size)
      throw new InputError(`${file}: a storage is longer than the file; it is cut off, get it again.`);
    offsets.set(key, { offset: end + 8, length });
    end += 8 + length;
  }
  return tensorsIn(value, file, finderIn(offsets, file));
}

function finderIn(offsets: ReadonlyMap<string, Storage>, file: string) {
  return (key: string, dtype: Dtype, elements: number): Storage => {
    const storage = offsets.get(key);
    if (!storage || elements * BYTES_PER_ELEMENT[dtype] > storage.length)
      throw new InputError(
        `${file}: the storage ${quoted(key)} is missing or too short; get the file again.`,
      );
    return storage;
  };
}

/** The storages that a value refers to, with their element types. */
function storagesIn(root: Value): Map<string, Dtype> {
  const found = new Map<string, Dtype>();
  const seen = new Set<Value>();
  const open: Value[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof Persistent) {
      const [, type, key] = Array.isArray(value.id) ? value.id : [];
      const dtype = type instanceof Name ? STORAGES[type.path] : undefined;
      if (dtype && typeof key === 'string') found.set(key, dtype);
    } else for (const part of partsOf(value)) open.push(part);
  }
  return found;
}

function partsOf(value: Value): Iterable<Value> {
  if (value instanceof Dictionary) return [...value.values(), value.state];
  if (value instanceof Call) return [...value.args, value.state];
  return Array.isArray(value) ? value : [];
}
