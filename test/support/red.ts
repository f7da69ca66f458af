/** The share of red pixels, of RGB or RGBA values. */
export function redShare(data: Uint8Array, channels: 3 | 4): number {
  let red = 0;
  for (let i = 0; i < data.length; i += channels)
    if (data[i]! > data[i + 1]! + 60 && data[i]! > data[i + 2]! + 60) red++;
  return (red * channels) / data.length;
}
