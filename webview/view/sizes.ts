import { nearestSide } from '../../shared/sizes.ts';
import type { FormFacts } from '../../shared/viewProtocol.ts';

/** Sizes that the form offers, derived from the model's own size. */

const SHAPES = [
  { title: 'Square', width: 1, height: 1 },
  { title: 'Portrait', width: 1, height: 1.5 },
  { title: 'Landscape', width: 1.5, height: 1 },
  { title: 'Wide', width: 2, height: 1 },
] as const;

/** `[value, title]`; the first is the default. */
export function sizeChoices(facts: Pick<FormFacts, 'defaults' | 'sizes'> | undefined): [string, string][] {
  if (!facts) return [['', 'Default']];
  const { defaults: natural, sizes } = facts;
  const side = Math.min(natural.width, natural.height);
  const choices = SHAPES.map(({ title, ...shape }): [string, string] => {
    const [width, height] = [shape.width, shape.height].map((share) => nearestSide(side * share, sizes));
    return [`${width}x${height}`, `${title}, ${width} × ${height}`];
  });
  const known = new Set<string>();
  // A model of one size has one shape.
  const distinct = choices.filter(([value]) => !known.has(value) && known.add(value));
  return [['', `${natural.width} × ${natural.height} (default)`], ...distinct];
}
