/**
 * PNG files to pixels and back, exactly (w3.org/TR/png-3): a canvas would multiply by alpha and drop half of 16 bits.
 */
import { concatenated } from '../../bytes.ts';
import type { Pixels } from '../host.ts';
import { compression } from './compression.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Samples a pixel, by colour type. */
const SAMPLES: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;

/** Where the passes of an interlaced image begin and how far their pixels are apart (8.1). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface PngParts {
  width: number;
  height: number;
  depth: 1 | 2 | 4 | 8 | 16;
  colours: number;
  interlaced: boolean;
  /** Chunks by type: all IDATs, the first of each other type. */
  chunks: ReadonlyMap<string, Uint8Array<ArrayBufferLike>[]>;
}

/** @throws if it is damaged before its end */
export function pngParts(file: Uint8Array): PngParts {
  if (SIGNATURE.some((byte, i) => file[i] !== byte)) throw new Error('not a PNG');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const chunks = new Map<string, Uint8Array[]>();
  for (let at = 8; at + 12 <= file.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (at + 12 + length > file.length) break;
    const known = chunks.get(type);
    const data = file.subarray(at + 8, at + 8 + length);
    if (known) known.push(data);
    else chunks.set(type, [data]);
    at += 12 + length;
    if (type === 'IEND') break;
  }
  const header = chunks.get('IHDR')?.[0];
  if (header?.length !== 13) throw new Error('no header');
  const about = new DataView(header.buffer, header.byteOffset, 13);
  const [depth, colours, interlace] = [header[8]!, header[9]!, header[12]!];
  if (!(colours in SAMPLES) || ![1, 2, 4, 8, 16].includes(depth)) throw new Error('an unknown kind of PNG');
  return {
    width: about.getUint32(0),
    height: about.getUint32(4),
    depth: depth as PngParts['depth'],
    colours,
    interlaced: interlace === 1,
    chunks,
  };
}

/**
 * The samples as they are stored, in 8 or 16 bits; fewer bits become 8, a palette its colours, a transparent colour
 * alpha.
 * @throws if the file is damaged or has more than `maxPixels`
 */
export function decodePng(file: Uint8Array, maxPixels: number): Pixels<Uint8Array | Uint16Array> {
  const png = pngParts(file);
  const { width, height, depth, colours, chunks } = png;
  if (width * height > maxPixels || width === 0 || height === 0) throw new Error('too large, or empty');
  const samples = SAMPLES[colours]!;
  const stored = unfiltered(png, samples);
  if (colours === PALETTE) return withPalette(stored, png);
  const clear = chunks.get('tRNS')?.[0];
  const scaled = depth < 8 ? stored.map((value) => (value * 255) / ((1 << depth) - 1)) : stored;
  if (!clear || clear.length < 2 * samples || samples % 2 === 0)
    return { width, height, channels: samples, data: scaled };
  // A colour that counts as transparent (11.3.2.1) is compared before it is scaled.
  const colour = Array.from({ length: samples }, (_, i) => (clear[2 * i]! << 8) | clear[2 * i + 1]!);
  const most = depth === 16 ? 65535 : 255;
  const data = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * (samples + 1));
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [from, to] = [pixel * samples, pixel * (samples + 1)];
    for (let i = 0; i < samples; i++) data[to + i] = scaled[from + i]!;
    data[to + samples] = colour.every((value, i) => stored[from + i] === value) ? 0 : most;
  }
  return { width, height, channels: (samples + 1) as 2 | 4, data };
}

function withPalette(stored: Uint8Array | Uint16Array, { width, height, chunks }: PngParts): Pixels {
  const palette = chunks.get('PLTE')?.[0];
  if (!palette) throw new Error('no palette');
  const alphas = chunks.get('tRNS')?.[0];
  const channels = alphas ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const index = stored[pixel]!;
    for (let i = 0; i < 3; i++) data[pixel * channels + i] = palette[3 * index + i] ?? 0;
    if (alphas) data[pixel * channels + 3] = alphas[index] ?? 255;
  }
  return { width, height, channels, data };
}

/** [height, width, samples] of 8 or 16 bits, smaller depths as their numbers. */
function unfiltered(png: PngParts, samples: number): Uint8Array | Uint16Array {
  const { width, height, depth, interlaced, chunks } = png;
  const bits = samples * depth;
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  const sized = passes.map(([x, y, across, down]) => ({
    x,
    y,
    across,
    down,
    columns: Math.max(0, Math.ceil((width - x) / across)),
    rows: Math.max(0, Math.ceil((height - y) / down)),
  }));
  const rowBytes = (columns: number) => Math.ceil((columns * bits) / 8);
  const total = sized.reduce(
    (sum, { columns, rows }) => sum + (columns > 0 ? rows * (1 + rowBytes(columns)) : 0),
    0,
  );
  const data = compression.inflate(concatenated(chunks.get('IDAT') ?? []), total);
  if (data.length < total) throw new Error('the pixels end early');
  const result = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * samples);
  let at = 0;
  for (const { x, y, across, down, columns, rows } of sized) {
    if (columns === 0) continue;
    const length = rowBytes(columns);
    let above = new Uint8Array(length);
    for (let row = 0; row < rows; row++) {
      const line = data.subarray(at + 1, at + 1 + length);
      unfilter(data[at]!, line, above, Math.max(1, bits >> 3));
      at += 1 + length;
      above = line as Uint8Array<ArrayBuffer>;
      for (let column = 0; column < columns; column++)
        for (let i = 0; i < samples; i++)
          result[((y + row * down) * width + x + column * across) * samples + i] = sampleOf(
            line,
            column * samples + i,
            depth,
          );
    }
  }
  return result;
}

function sampleOf(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index]!;
  if (depth === 16) return (line[2 * index]! << 8) | line[2 * index + 1]!;
  const bit = index * depth;
  return (line[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** Undoes a row's filter in place (9.2); `step`: bytes of a pixel. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  if (filter > 4) throw new Error('an unknown filter');
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) line[i] = line[i]! + predicted(filter, line, above, i, step);
}

function predicted(filter: number, line: Uint8Array, above: Uint8Array, i: number, step: number): number {
  const left = i >= step ? line[i - step]! : 0;
  const up = above[i]!;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const corner = i >= step ? above[i - step]! : 0;
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** A PNG file of pixels, each row by the filter that leaves the smallest numbers (12.7). */
export function encodePng(pixels: Pixels<Uint8Array | Uint8ClampedArray | Uint16Array>): Uint8Array {
  const { width, height, channels, data } = pixels;
  const wide = data instanceof Uint16Array;
  const step = channels * (wide ? 2 : 1);
  const length = width * step;
  const bytes = wide ? bigEndian(data) : data;
  const rows = new Uint8Array(height * (1 + length));
  let above = new Uint8Array(length) as Uint8Array | Uint8ClampedArray;
  const tried = new Uint8Array(length);
  for (let row = 0; row < height; row++) {
    const line = bytes.subarray(row * length, (row + 1) * length);
    const at = row * (1 + length);
    let least = Number.POSITIVE_INFINITY;
    for (let filter = 0; filter <= 4; filter++) {
      let sum = 0;
      for (let i = 0; i < length; i++) {
        const value =
          filter === 0
            ? line[i]!
            : line[i]! - predicted(filter, line as Uint8Array, above as Uint8Array, i, step);
        tried[i] = value;
        const byte = tried[i]!;
        sum += byte < 128 ? byte : 256 - byte;
      }
      if (sum >= least) continue;
      least = sum;
      rows[at] = filter;
      rows.set(tried, at + 1);
    }
    above = line;
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = wide ? 16 : 8;
  header[9] = { 1: 0, 2: 4, 3: 2, 4: 6 }[channels];
  return concatenated([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', compression.deflate(rows)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function bigEndian(data: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(2 * data.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) view.setUint16(2 * i, data[i]!);
  return bytes;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, compression.crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}
