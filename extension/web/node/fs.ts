/** The part of node:fs that the extension uses: a browser has no synchronous file access. */
export const constants = { W_OK: 2 };

export function existsSync(): boolean {
  return false;
}
