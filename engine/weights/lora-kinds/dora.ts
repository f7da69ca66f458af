import { matrix, sizeOf } from './kind.ts';

/**
 * Applies a magnitude to a changed weight V (Liu et al. 2024, DoRA): W' = V · magnitude / ‖V‖, the norm over everything
 * but the channels that have magnitudes. Those of one axis [1, in, …] are the input's (LyCORIS before 3.0); all others
 * the output's, also where PEFT writes [1, out, 1, 1].
 */
export function withMagnitude(
  values: Float32Array,
  shape: readonly number[],
  magnitude: Float32Array,
  axis: 'input' | 'output',
): Float32Array {
  const [rows, columns] = matrix(shape);
  const taps = sizeOf(shape.slice(2));
  const channel = (row: number, column: number) => (axis === 'output' ? row : Math.floor(column / taps));
  const squares = new Float64Array(magnitude.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      squares[channel(row, column)]! += values[row * columns + column]! ** 2;
  // What is 0 everywhere stays 0.
  const factors = squares.map((square, i) => (square > 0 ? magnitude[i]! / Math.sqrt(square) : 0));
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[row * columns + column] = values[row * columns + column]! * factors[channel(row, column)]!;
  return result;
}

/**
 * Along which channels a magnitude goes; undefined if it fits neither. The shape decides, also where both fit; PEFT's
 * always go along the output.
 */
export function magnitudeAxis(
  magnitude: readonly number[],
  weight: readonly number[],
  isPeft: boolean,
): 'input' | 'output' | undefined {
  const count = sizeOf(magnitude);
  const inputs = weight[1] ?? 1;
  if (!isPeft && magnitude.length > 1 && magnitude[0] === 1 && magnitude[1] === count && count === inputs)
    return 'input';
  return count === weight[0] ? 'output' : undefined;
}
