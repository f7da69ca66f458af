import type { Buffers } from '../../regions/buffers.ts';
import { dequantizeRows, quantizeRows, quantizeSums } from '../../regions/bytes.ts';
import { centreName, type Storage, scaleName, spreadName } from '../../regions/features.ts';
import {
  type ChannelRanges,
  channelRanges,
  packedWidth,
  packRows,
  unpackRows,
} from '../../regions/packed.ts';
import { type Recorded, type Rows, readRows, recordedRows, withRows } from '../../regions/recorded.ts';
import { type AttentionFeature, type RowsFeature, sumsName } from '../../regions/token-features.ts';

/**
 * How a record keeps the rows and the sums of a transformer. As float32, or in bytes: rows with a scale for each or
 * packed, sums in 16 bits.
 *
 * Of guidance's two halves, packed rows of the first are kept, and by how much those of the second differ. The
 * difference is small, so it takes few bits; and the rounding of the first half is the same in both, so that guidance,
 * which multiplies the difference of the halves, does not multiply it.
 */
export interface Keeping {
  storage: Storage;
  batch: number;
}

/** Rows [batch, N, channels] that are kept under a name of their own. */
interface Kept {
  name: string;
  channels: number;
  batch: number;
  bits: number | undefined;
}

function keptOf({ name, channels, bits }: RowsFeature, { storage, batch }: Keeping): [Kept] | [Kept, Kept] {
  if (storage !== 'int8' || !bits) return [{ name, channels, batch, bits: undefined }];
  if (batch !== 2) return [{ name, channels, batch, bits: bits.alone }];
  const half = { channels, batch: 1 };
  return [
    { ...half, name, bits: bits.first },
    { ...half, name: `${name}.difference`, bits: bits.difference },
  ];
}

/** Records the rows of a feature for all positions. */
export function keepRows(into: Recorded, feature: RowsFeature, rows: Float32Array, how: Keeping): void {
  for (const { kept, values } of divided(keptOf(feature, how), rows)) {
    const ranges = kept.bits ? channelRanges(values, kept.channels) : undefined;
    for (const { tensor, data } of tensorsOf(kept, values, how.storage, ranges)) into.set(tensor, data);
    if (!ranges) continue;
    into.set(centreName(kept.name), ranges.centre);
    into.set(spreadName(kept.name), ranges.spread);
  }
}

/** Replaces some rows in a copy of a record. @param rows [batch, at.length, channels] */
export function replaceRows(
  into: Recorded,
  feature: RowsFeature,
  rows: Float32Array,
  at: Int32Array,
  how: Keeping,
): void {
  for (const { kept, values } of divided(keptOf(feature, how), rows)) {
    const ranges = kept.bits ? rangesOf(into, kept) : undefined;
    for (const { tensor, data, width } of tensorsOf(kept, values, how.storage, ranges))
      into.set(tensor, withRows(recordedRows(into, tensor), data, kept.batch, width, at));
  }
}

/** Some rows of a record: [batch, at.length, channels]. */
export function readKept(
  recorded: Recorded,
  feature: RowsFeature,
  at: Int32Array,
  into: Float32Array,
  how: Keeping & { buffers: Buffers },
): void {
  const [first, difference] = keptOf(feature, how);
  if (!difference) {
    readOne(recorded, first, at, into, how);
    return;
  }
  const half = into.length / 2;
  readOne(recorded, first, at, into.subarray(0, half), how);
  readOne(recorded, difference, at, into.subarray(half), how);
  for (let i = 0; i < half; i++) into[half + i]! += into[i]!;
}

/** Records the sums of an attention, [batch, heads, d, d + 1]. */
export function keepSums(into: Recorded, feature: AttentionFeature, sums: Float32Array, how: Keeping): void {
  const name = sumsName(feature);
  if (how.storage === 'float32') {
    into.set(name, sums);
    return;
  }
  const { bytes, scale } = quantizeSums(sums, sumsWidth(feature));
  into.set(name, bytes);
  into.set(scaleName(name), scale);
}

export function readSums(
  recorded: Recorded,
  feature: AttentionFeature,
  { storage, buffers }: Pick<Keeping, 'storage'> & { buffers: Buffers },
): Float32Array {
  const name = sumsName(feature);
  const sums = recordedRows(recorded, name);
  if (storage === 'float32') return sums as Float32Array;
  const bytes = sums as Int16Array;
  const scale = recordedRows(recorded, scaleName(name)) as Float32Array;
  return dequantizeRows({ bytes, scale }, sumsWidth(feature), buffers.floats(name, bytes.length));
}

function sumsWidth({ operator: { heads, output } }: AttentionFeature): number {
  return output.channels / heads + 1;
}

/** What of given rows is kept under each name. */
function divided(
  [first, difference]: [Kept] | [Kept, Kept],
  rows: Float32Array,
): { kept: Kept; values: Float32Array }[] {
  if (!difference) return [{ kept: first, values: rows }];
  const [own, other] = [rows.subarray(0, rows.length / 2), rows.subarray(rows.length / 2)];
  return [
    { kept: first, values: own },
    { kept: difference, values: other.map((value, i) => value - own[i]!) },
  ];
}

/** The tensors in which rows are kept, with the values of each for a row. */
function tensorsOf(
  { name, channels, bits }: Kept,
  rows: Float32Array,
  storage: Storage,
  ranges: ChannelRanges | undefined,
): { tensor: string; data: Rows; width: number }[] {
  if (storage === 'float32') return [{ tensor: name, data: rows, width: channels }];
  const { bytes, scale } =
    bits && ranges ? packRows(rows, channels, bits, ranges) : quantizeRows(rows, channels);
  return [
    { tensor: name, data: bytes, width: bytes.length / scale.length },
    { tensor: scaleName(name), data: scale, width: 1 },
  ];
}

function readOne(
  recorded: Recorded,
  kept: Kept,
  at: Int32Array,
  into: Float32Array,
  { storage, buffers }: { storage: Storage; buffers: Buffers },
): void {
  const { name, channels, batch, bits } = kept;
  const rows = recordedRows(recorded, name);
  if (storage === 'float32') {
    readRows(rows, batch, channels, at, 0, into);
    return;
  }
  const width = bits ? packedWidth(channels, bits) : channels;
  const held = buffers.bytes(name, batch * at.length * width);
  const bytes = readRows(rows, batch, width, at, 0, held);
  const scales = recordedRows(recorded, scaleName(name));
  const scale = readRows(scales, batch, 1, at, 0, buffers.floats(scaleName(name), batch * at.length));
  if (bits) unpackRows({ bytes, scale }, channels, bits, rangesOf(recorded, kept), into);
  else dequantizeRows({ bytes, scale }, channels, into);
}

/** What packed rows are relative to: the same for all rows of a record, also those of later edits. */
function rangesOf(recorded: Recorded, { name }: Kept): ChannelRanges {
  const [centre, spread] = [centreName(name), spreadName(name)].map(
    (tensor) => recordedRows(recorded, tensor) as Float32Array,
  );
  return { centre: centre!, spread: spread! };
}
