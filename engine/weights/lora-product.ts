import { nextTask } from '#host';

/** Rows computed before yielding to the event loop; even. */
const ROWS = 64;

/**
 * values += scale · up · down, for up [out, rank], down [rank, in] and values [out, in], row-major. Two rows by four
 * columns at a time, so that their sums stay in registers; in double precision, which JavaScript converts to anyway.
 */
export async function addProduct(
  values: Float32Array,
  up: Float32Array,
  down: Float32Array,
  rank: number,
  scale: number,
): Promise<void> {
  const width = down.length / rank;
  const height = up.length / rank;
  const left = Float64Array.from(up, (value) => scale * value);
  const right = transposed(down, rank, width);
  for (let from = 0; from < height; from += ROWS) {
    const to = Math.min(from + ROWS, height);
    for (let row = from; row < to; row += 2) {
      const pair = row + 1 < to;
      const whole = pair ? width - (width % 4) : 0;
      for (let column = 0; column < whole; column += 4)
        addTile(values, left, right, rank, row, column, width);
      addRow(values, left, right, rank, row, whole, width);
      if (pair) addRow(values, left, right, rank, row + 1, whole, width);
    }
    await nextTask();
  }
}

/** [rank, width] → [width, rank]. */
function transposed(down: Float32Array, rank: number, width: number): Float64Array {
  const result = new Float64Array(down.length);
  for (let r = 0; r < rank; r++) for (let i = 0; i < width; i++) result[i * rank + r] = down[r * width + i]!;
  return result;
}

function addTile(
  values: Float32Array,
  left: Float64Array,
  right: Float64Array,
  rank: number,
  row: number,
  column: number,
  width: number,
): void {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  const a = row * rank;
  const b = a + rank;
  const c = column * rank;
  const d = c + rank;
  const e = d + rank;
  const f = e + rank;
  for (let r = 0; r < rank; r++) {
    const x = left[a + r]!;
    const y = left[b + r]!;
    const c0 = right[c + r]!;
    const c1 = right[d + r]!;
    const c2 = right[e + r]!;
    const c3 = right[f + r]!;
    a0 += x * c0;
    a1 += x * c1;
    a2 += x * c2;
    a3 += x * c3;
    b0 += y * c0;
    b1 += y * c1;
    b2 += y * c2;
    b3 += y * c3;
  }
  const first = row * width + column;
  const second = first + width;
  values[first]! += a0;
  values[first + 1]! += a1;
  values[first + 2]! += a2;
  values[first + 3]! += a3;
  values[second]! += b0;
  values[second + 1]! += b1;
  values[second + 2]! += b2;
  values[second + 3]! += b3;
}

/** The columns of a row from `begin` on, one by one. */
function addRow(
  values: Float32Array,
  left: Float64Array,
  right: Float64Array,
  rank: number,
  row: number,
  begin: number,
  width: number,
): void {
  for (let column = begin; column < width; column++) {
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += left[row * rank + r]! * right[column * rank + r]!;
    values[row * width + column]! += sum;
  }
}
