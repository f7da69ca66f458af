/** Sizes that the form offers, from the size that a model is at home with. */

const SHAPES = [
  { title: 'Square', width: 1, height: 1 },
  { title: 'Portrait', width: 1, height: 1.5 },
  { title: 'Landscape', width: 1.5, height: 1 },
  { title: 'Wide', width: 2, height: 1 },
] as const;

/** Pixels that sizes are multiples of. */
const GRAIN = 8;
const LARGEST = 2048;

/** `[value, title]`; the first is the default. */
export function sizeChoices(natural: { width: number; height: number } | undefined): [string, string][] {
  if (!natural) return [['', 'Default']];
  const side = Math.min(natural.width, natural.height);
  const round = (pixels: number) => Math.min(LARGEST, Math.round(pixels / GRAIN) * GRAIN);
  const choices = SHAPES.map(({ title, ...shape }): [string, string] => {
    const [width, height] = [round(side * shape.width), round(side * shape.height)];
    return [`${width}x${height}`, `${title}, ${width} × ${height}`];
  });
  return [['', `Default, ${natural.width} × ${natural.height}`], ...choices];
}
