/**
 * Lays edits over an image. Whole photographs are worked on in bands of rows, so that the extension host answers in
 * between.
 */
import { rowsInTurns } from '../../engine/pictures/turns.ts';
import { type Area, difference, type Patch, type Raster, unite, within } from '../../shared/raster.ts';
import { type Canvas, shifted, withEdges } from './canvas.ts';
import { type ListedEdit, opacityOf } from './listedEdit.ts';
import { type Packed, unpacked } from './packed.ts';

/**
 * Lays the shown ones of edits over a canvas, whose values it may change.
 * @param original the file's pixels
 * @throws AbortError if the signal is aborted
 */
export async function composed(
  canvas: Canvas,
  edits: readonly ListedEdit[],
  original: Raster,
  signal?: AbortSignal,
): Promise<Canvas> {
  let above = canvas;
  for (const edit of edits) {
    if (!edit.shown) continue;
    above = withEdges(above, edit.content);
    await lay(edit, above, original, signal);
  }
  return above;
}

/** The smallest area that contains all differences of two rasters of one size; undefined if they are equal. */
export async function differenceInTurns(a: Raster, b: Raster): Promise<Area | undefined> {
  let area: Area | undefined;
  await rowsInTurns(a, (top, bottom) => {
    const differs = difference(bandOf(a, top, bottom), bandOf(b, top, bottom));
    if (differs) area = unite(area, { ...differs, top: differs.top + top });
  });
  return area;
}

/** Lays one edit over a canvas. */
async function lay(
  edit: ListedEdit,
  { raster, frame }: Canvas,
  original: Raster,
  signal?: AbortSignal,
): Promise<void> {
  const { content } = edit;
  const opacity = opacityOf(edit);
  const placed = async (part: Packed, channels: number) =>
    within(shifted(await unpacked(part, channels), frame, -1), raster);
  if (content.kind === 'crop') return;
  if (content.kind === 'paint') {
    const [from, to] = await Promise.all([placed(content.from, 3), placed(content.to, 3)]);
    if (!from || !to) return;
    await eachRow(
      to,
      (y) => mixDifferent(rowOf(raster, to, y), lineOf(from, y), lineOf(to, y), opacity),
      signal,
    );
    return;
  }
  const coverage = await placed(content.coverage, 1);
  if (!coverage) return;
  const inFile = shifted(coverage, frame, 1);
  await eachRow(
    coverage,
    (y) => mixCovered(rowOf(raster, coverage, y), rowOf(original, inFile, y), lineOf(coverage, y), opacity),
    signal,
  );
}

async function eachRow(area: Area, each: (y: number) => void, signal?: AbortSignal): Promise<void> {
  await rowsInTurns(area, (top, bottom) => {
    signal?.throwIfAborted();
    for (let y = top; y < bottom; y++) each(y);
  });
}

/** The values of a raster in a row of an area. */
function rowOf({ data, width, channels }: Raster, area: Area, y: number): Uint8Array {
  const from = ((area.top + y) * width + area.left) * channels;
  return data.subarray(from, from + area.width * channels);
}

/** A row of a patch. */
function lineOf({ data, height }: Patch, y: number): Uint8Array {
  const length = data.length / height;
  return data.subarray(y * length, (y + 1) * length);
}

function bandOf(raster: Raster, top: number, bottom: number): Raster {
  const row = raster.width * raster.channels;
  return { ...raster, height: bottom - top, data: raster.data.subarray(top * row, bottom * row) };
}

/** Mixes in the values of pixels that are not the same in two rows, whole pixels at a time. */
function mixDifferent(row: Uint8Array, from: Uint8Array, to: Uint8Array, opacity: number): void {
  for (let i = 0; i < to.length; i += 3) {
    if (from[i] === to[i] && from[i + 1] === to[i + 1] && from[i + 2] === to[i + 2]) continue;
    row[i] = mixed(row[i]!, to[i]!, opacity);
    row[i + 1] = mixed(row[i + 1]!, to[i + 1]!, opacity);
    row[i + 2] = mixed(row[i + 2]!, to[i + 2]!, opacity);
  }
}

/** Mixes in values as far as a coverage of 0 … 255 says. */
function mixCovered(row: Uint8Array, values: Uint8Array, coverage: Uint8Array, opacity: number): void {
  for (let i = 0; i < row.length; i++) {
    const weight = (opacity * coverage[Math.floor(i / 3)]!) / 255;
    row[i] = mixed(row[i]!, values[i]!, weight);
  }
}

/** A value on the way from one to another, 0 … 1; exactly the other at 1. */
function mixed(from: number, to: number, weight: number): number {
  return Math.round(from + weight * (to - from));
}
