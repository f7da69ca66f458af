import { InputError, quoted } from '../errors.ts';
import { lengthFits } from './dtypes.ts';
import { structuralFault } from './header-scan.ts';
import { withScales } from './scaled-bytes.ts';
import type { StoredTensor } from './source.ts';

const MAX_NAME_LENGTH = 1024;
const MAX_DIMENSIONS = 16;
/** Name of an element type. An unknown one is an error only when the tensor is read. */
const DTYPE = /^[A-Z][A-Z0-9_]{0,31}$/;

interface Header {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/**
 * Checks and reads the JSON header of a safetensors file (github.com/huggingface/safetensors, "Format"):
 * tensors must fill the data section exactly, without overlaps or gaps, and each length must match its shape. Unknown
 * element types are accepted until such a tensor is read.
 * @param text the header; @param dataStart where the data section begins in the file; @param dataLength its bytes.
 * @throws InputError naming file and tensor.
 */
export function parseHeader(text: string, file: string, dataStart: number, dataLength: number): Header {
  const damaged = (what: string) => new InputError(`${file}: ${what}; the file is damaged, get it again.`);
  const fault = structuralFault(text);
  if (fault) throw damaged(fault);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged('the header is not valid JSON');
  }
  if (!isObject(json)) throw damaged('the header is not a JSON object');
  const entries = Object.entries(json);
  const header: Header = { tensors: new Map(), metadata: {} };
  for (const [name, entry] of entries) {
    if (name === '__metadata__') header.metadata = parseMetadata(entry, file);
    else header.tensors.set(name, parseTensor(name, entry, file, dataStart, dataLength));
  }
  checkCoverage([...header.tensors.values()], file, dataStart, dataLength);
  return { ...header, tensors: withScales(header.tensors) };
}

function parseMetadata(entry: unknown, file: string): Record<string, string> {
  if (!isObject(entry))
    throw new InputError(`${file}: __metadata__ in the header is not an object of texts.`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') {
      throw new InputError(`${file}: __metadata__ ${quoted(key)} in the header is not a text.`);
    }
  }
  return entry as Record<string, string>;
}

function parseTensor(
  name: string,
  entry: unknown,
  file: string,
  dataStart: number,
  dataLength: number,
): StoredTensor {
  const wrong = (what: string) =>
    new InputError(
      `${file}: tensor ${quoted(name)} ${what}; the file is damaged or of a kind we cannot read.`,
    );
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) throw wrong('has an empty or over-long name');
  if (!isObject(entry)) throw wrong('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !DTYPE.test(dtype)) throw wrong('has no valid type');
  if (!isWholeNumbers(shape) || shape.length > MAX_DIMENSIONS) throw wrong('has no valid shape');
  if (!isWholeNumbers(offsets) || offsets.length !== 2) throw wrong('has no valid offsets');
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw wrong('ends before it begins');
  if (end > dataLength) throw wrong('is beyond the end of the file');
  const length = end - begin;
  if (!lengthFits(dtype, shape, length)) {
    throw wrong(`of type ${dtype} and shape [${shape}] does not fit its ${length} bytes`);
  }
  return { name, dtype, shape, file, offset: dataStart + begin, length };
}

/** Sorted by offset, the tensors must cover the data section from the first byte to the last. */
function checkCoverage(tensors: StoredTensor[], file: string, dataStart: number, dataLength: number): void {
  let covered = dataStart;
  for (const tensor of tensors.sort((a, b) => a.offset - b.offset || a.length - b.length)) {
    if (tensor.offset !== covered) {
      const what = tensor.offset < covered ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw new InputError(
        `${file}: tensor ${quoted(tensor.name)} ${what}; the file is damaged, get it again.`,
      );
    }
    covered += tensor.length;
  }
  if (covered !== dataStart + dataLength) {
    throw new InputError(
      `${file}: ${dataStart + dataLength - covered} bytes at the end belong to no tensor, which the format does not allow; load the file with the tool that wrote it, and save it again.`,
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWholeNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
