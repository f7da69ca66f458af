/** Units that all figures of a chart and its table share. */

interface Unit {
  name: string;
  /** Its size in the base unit. */
  scale: number;
  /** The figure with the unit. */
  format(value: number): string;
}

/** MB or GB, by the largest of the values. */
export function bytesUnit(values: readonly number[]): Unit {
  return unitFor(values, [
    ['GB', 1e9, 2],
    ['MB', 1e6, 1],
  ]);
}

/** Multiply–accumulates by the largest of the values. */
export function macsUnit(values: readonly number[]): Unit {
  return unitFor(values, [
    ['GMACs', 1e9, 1],
    ['MMACs', 1e6, 1],
  ]);
}

/** The first unit in which the largest value is at least 1, or the last unit. */
function unitFor(
  values: readonly number[],
  units: readonly (readonly [name: string, scale: number, digits: number])[],
): Unit {
  const largest = Math.max(...values);
  const [name, scale, digits] = units.find(([, scale]) => largest >= scale) ?? units.at(-1)!;
  return { name, scale, format: (value) => `${(value / scale).toFixed(digits)} ${name}` };
}
