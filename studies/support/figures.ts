/** Figures that several studies give, and how they are written. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function decibels(value: number): string {
  return `${value.toFixed(1)} dB`;
}

/** A share of 0 … 1 as per cent. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Seconds as milliseconds. */
export function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(0)} ms`;
}

/** An operation count in units of 10⁹. */
export function gigaMacs(macs: number, digits = 2): string {
  return `${(macs / 1e9).toFixed(digits)} G`;
}
