/** Numbers with their units, for people. */

/** `803.3 GMACs` */
export function formatMacs(macs: number): string {
  return `${formatCount(macs)}MACs`;
}

/** `803.3 G`, with a space behind the number whatever its size. */
function formatCount(macs: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  let unit = 0;
  let value = macs;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1848.5 GMACs`, `112.0 MMACs`: a count among others, which should share a unit where they can. */
export function formatGigaMacs(macs: number): string {
  return macs >= 0.99995e9 ? `${(macs / 1e9).toFixed(1)} GMACs` : formatMacs(macs);
}

/** `0.42 s`, `8.3 s`, `2 min 5 s` */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `36 ms`, `1.80 s`, `2 min 5 s`: a time that is compared with others. */
export function formatLatency(seconds: number): string {
  if (seconds < 0.0995) return `${(1000 * seconds).toPrecision(2)} ms`;
  if (seconds < 0.9995) return `${Math.round(1000 * seconds)} ms`;
  return seconds < 59.95 ? `${seconds.toPrecision(3)} s` : formatSeconds(seconds);
}

/** `64.0 kB`, `1.8 MB`, `3.44 GB` */
export function formatBytes(bytes: number): string {
  if (bytes < 1e5) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `40 s`, `3 min 20 s`, `1 h 5 min`: a time to wait. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.ceil(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
