/**
 * A Markdown image on one line.
 * @param target path as it appears in the link, `/`-separated and not yet encoded
 */
export function markdownImage(alt: string, target: string): string {
  return `![${escapeText(alt)}](${encodePath(target)})`;
}

/**
 * The way from a file's folder to another file, both absolute `/`-separated paths; starts with neither `/` nor `./`.
 */
export function relativePath(fromFile: string, toFile: string): string {
  const from = fromFile.split('/').slice(0, -1);
  const to = toFile.split('/');
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/');
}

function escapeText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\[\]`*_<>]/g, '\\$&');
}

function encodePath(path: string): string {
  const encode = (segment: string) =>
    encodeURIComponent(segment).replace(/[()]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return path.split('/').map(encode).join('/');
}
