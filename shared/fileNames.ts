/** File names from elsewhere: from hubs, indexes, settings, agents. */

/**
 * Characters that no name contains on Windows, where `a:b` is a hidden stream of `a` and a backslash separates folders.
 */
const FORBIDDEN = /[<>:"/\\|?*]|\p{Cc}/u;
/** Names of devices on Windows, whatever ending follows (learn.microsoft.com: Naming Files, Paths, and Namespaces). */
const DEVICES = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i;
/** Bytes of a name on most file systems. */
const MAX_BYTES = 255;

/**
 * Whether a name stands for the same file, inside its folder, on every system: no separators, devices, streams, nor
 * dots and spaces at the end, which Windows drops.
 */
export function isFileName(name: string): boolean {
  return (
    name !== '' &&
    !/\p{Cs}/u.test(name) &&
    new TextEncoder().encode(name).length <= MAX_BYTES &&
    !FORBIDDEN.test(name) &&
    !/[. ]$/.test(name) &&
    !DEVICES.test(name.split('.')[0]!.trimEnd())
  );
}

/** The same for a path with slashes, below a folder. */
export function isFilePath(path: string): boolean {
  return path.split('/').every(isFileName);
}

/** Two names that are one where case does not matter, as on Windows and macOS. */
export function caseTwin(names: readonly string[]): [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const key = name.normalize('NFC').toLowerCase();
    const other = seen.get(key);
    if (other !== undefined && other !== name) return [other, name];
    seen.set(key, name);
  }
  return undefined;
}
