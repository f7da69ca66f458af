import type { FileReader } from '#host';
import { InputError, quoted } from '../../errors.ts';
import { readRange } from '../range.ts';

/** Bounds, far above any checkpoint. */
const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY_BYTES = 64 << 20;

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END_64_BYTES = 56;
/** A comment may follow the directory. */
const MOST_TAIL = END_BYTES + 0xffff;
/** Stands for "see the 64-bit field". */
const NONE_32 = 0xffffffff;

/** A file of an archive that is stored as it is. */
export interface ZipEntry {
  name: string;
  /** Bytes from the start of the archive to the entry's own header. */
  header: number;
  length: number;
  stored: boolean;
}

/** The directory of a ZIP archive (APPNOTE.TXT 6.3), also of one beyond 4 GB. @throws InputError if it is damaged */
export async function zipEntries(
  reader: FileReader,
  file: string,
  size: number,
): Promise<Map<string, ZipEntry>> {
  const damaged = () => new InputError(`${file}: its archive is damaged or cut off; get the file again.`);
  const tailLength = Math.min(size, MOST_TAIL + LOCATOR_BYTES);
  const tail = await readRange(reader, file, size - tailLength, tailLength);
  const view = new DataView(tail.buffer);
  let at = tail.length - END_BYTES;
  while (at >= 0 && view.getUint32(at, true) !== END) at--;
  if (at < 0) throw damaged();
  let count = view.getUint16(at + 10, true);
  let length = view.getUint32(at + 12, true);
  let offset = view.getUint32(at + 16, true);
  const locator = at - LOCATOR_BYTES;
  if (locator >= 0 && view.getUint32(locator, true) === LOCATOR_64) {
    const place = whole(view, locator + 8);
    if (place === undefined || place + END_64_BYTES > size) throw damaged();
    const end = new DataView((await readRange(reader, file, place, END_64_BYTES)).buffer);
    if (end.getUint32(0, true) !== END_64) throw damaged();
    const numbers = [whole(end, 32), whole(end, 40), whole(end, 48)];
    if (numbers.includes(undefined)) throw damaged();
    [count, length, offset] = numbers as [number, number, number];
  }
  if (count > MAX_ENTRIES || length > MAX_DIRECTORY_BYTES)
    throw new InputError(`${file}: its archive has too many parts.`);
  if (offset + length > size) throw damaged();
  const directory = await readRange(reader, file, offset, length);
  return parseDirectory(directory, count, damaged);
}

function parseDirectory(
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
  damaged: () => InputError,
): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL) throw damaged();
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) =>
      view.getUint16(at + place, true),
    ) as [number, number, number];
    const end = at + 46 + nameLength + extraLength + commentLength;
    if (end > bytes.length) throw damaged();
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const packed = view.getUint32(at + 20, true);
    const unpacked = view.getUint32(at + 24, true);
    const header = view.getUint32(at + 42, true);
    const extra = new DataView(bytes.buffer, at + 46 + nameLength, extraLength);
    const wide = wideNumbers(extra, [unpacked, packed, header]);
    if (!wide) throw damaged();
    const stored =
      view.getUint16(at + 10, true) === 0 && (view.getUint16(at + 8, true) & 1) === 0 && wide[0] === wide[1];
    entries.set(name, { name, length: wide[0], header: wide[2], stored });
    at = end;
  }
  return entries;
}

/** Lengths and offset, those that do not fit 32 bits from the 64-bit field, which has them in this order. */
function wideNumbers(extra: DataView, numbers: readonly number[]): [number, number, number] | undefined {
  if (!numbers.includes(NONE_32)) return numbers as [number, number, number];
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    if (id === 1) {
      let place = at + 4;
      const wide = numbers.map((number) => {
        if (number !== NONE_32) return number;
        place += 8;
        return place <= Math.min(at + 4 + length, extra.byteLength) ? whole(extra, place - 8) : undefined;
      });
      return wide.includes(undefined) ? undefined : (wide as [number, number, number]);
    }
    at += 4 + length;
  }
  return undefined;
}

/** Where the bytes of an entry begin. @throws InputError unless they are stored as they are, inside the file */
export async function entryOffset(
  reader: FileReader,
  file: string,
  size: number,
  { name, header, length, stored }: ZipEntry,
): Promise<number> {
  const damaged = new InputError(
    `${file}: the part ${quoted(name)} of its archive is damaged; get the file again.`,
  );
  if (!stored)
    throw new InputError(
      `${file}: the part ${quoted(name)} of its archive is compressed, which PyTorch never does.`,
    );
  if (header + 30 > size) throw damaged;
  const view = new DataView((await readRange(reader, file, header, 30)).buffer);
  if (view.getUint32(0, true) !== LOCAL) throw damaged;
  const offset = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (offset + length > size) throw damaged;
  return offset;
}

function whole(view: DataView, at: number): number | undefined {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}
