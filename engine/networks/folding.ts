/** Planes [C, H, W] → [C · f², H / f, W / f]: f × f pixels become channels (PyTorch's pixel_unshuffle). */
export function folded(planes: Float32Array, channels: number, width: number, factor: number): Float32Array {
  if (factor === 1) return planes;
  const size = planes.length / channels;
  const [rows, columns] = [size / width / factor, width / factor];
  const result = new Float32Array(planes.length);
  let to = 0;
  for (let channel = 0; channel < channels; channel++)
    for (let dy = 0; dy < factor; dy++)
      for (let dx = 0; dx < factor; dx++)
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < columns; x++)
            result[to++] = planes[channel * size + (y * factor + dy) * width + x * factor + dx]!;
  return result;
}

/** The inverse: [C · f², H, W] → [C, H · f, W · f] (pixel_shuffle). */
export function unfolded(
  planes: Float32Array,
  channels: number,
  width: number,
  factor: number,
): Float32Array {
  if (factor === 1) return planes;
  const result = new Float32Array(planes.length);
  const size = planes.length / channels / factor ** 2;
  const rows = size / width;
  let from = 0;
  for (let channel = 0; channel < channels; channel++)
    for (let dy = 0; dy < factor; dy++)
      for (let dx = 0; dx < factor; dx++)
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < width; x++)
            result[((channel * rows + y) * factor + dy) * width * factor + x * factor + dx] = planes[from++]!;
  return result;
}
