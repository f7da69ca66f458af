/** The part of node:url that the extension uses. */
export function fileURLToPath(url: string): string {
  return decodeURIComponent(new URL(url).pathname);
}
