/** Rows computed before others get a turn. */
const ROWS = 64;

/**
 * values += scale · up · down, for up [out, rank], down [rank, in] and values [out, in], row-major. Four ranks at a
 * time, so that a row is read and written a quarter as often.
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
  for (let row = 0; row < height; row++) {
    const at = row * width;
    for (let r = 0; r < rank; r += 4) {
      const factor = (k: number) => (r + k < rank ? scale * up[row * rank + r + k]! : 0);
      const [a, b, c, d] = [factor(0), factor(1), factor(2), factor(3)];
      const from = r * width;
      // Where the rank is no multiple of four, the last rows count for nothing: any will do.
      const [second, third, fourth] = [1, 2, 3].map((k) => (r + k < rank ? from + k * width : from)) as [
        number,
        number,
        number,
      ];
      for (let i = 0; i < width; i++)
        values[at + i]! +=
          a * down[from + i]! + b * down[second + i]! + c * down[third + i]! + d * down[fourth + i]!;
    }
    if (row % ROWS === ROWS - 1) await new Promise(setImmediate);
  }
}
