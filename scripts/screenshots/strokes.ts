/** A spiral that a brush fills a disc with; fractions of the picture. */
export function circle(x: number, y: number, radius: number): [number, number][] {
  return Array.from({ length: 40 }, (_, i) => {
    const r = (radius * i) / 39;
    return [x + r * Math.cos(i), y + r * Math.sin(i)];
  });
}
