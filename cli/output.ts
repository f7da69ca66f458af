import type { CommonOptions } from './options.ts';

export { formatBytes } from '../shared/units.ts';

/** Prints a command's result: as one JSON object, or as text for people. */
export function print(options: CommonOptions, result: object, text: () => string): void {
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${text()}\n`);
}

/** A line on stderr. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** 803.3 G, 1.85 T: an operation count. */
export function formatMacs(macs: number): string {
  for (const [unit, scale] of [
    ['T', 1e12],
    ['G', 1e9],
    ['M', 1e6],
  ] as const)
    if (macs >= scale) return `${(macs / scale).toFixed(macs >= 100 * scale ? 1 : 2)} ${unit}MACs`;
  return `${macs} MACs`;
}

export function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}
