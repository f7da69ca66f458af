import { plainText } from '../shared/plainText.ts';

/**
 * A Markdown image on one line.
 * @param target path as it appears in the link, `/`-separated and not yet encoded
 */
export function markdownImage(alt: string, target: string): string {
  return `![${markdownText(alt)}](${encodePath(target)})`;
}

/**
 * The relative path from a file's folder to another file, both absolute `/`-separated paths; starts with neither `/`
 * nor `./`.
 */
export function relativePath(fromFile: string, toFile: string): string {
  const from = fromFile.split('/').slice(0, -1);
  const to = toFile.split('/');
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/');
}

/** Text on one line, escaped so that the Markdown of VS Code and GitHub shows it as it is. */
export function markdownText(text: string): string {
  return plainText(text, 10_000)
    .replace(/[\\[\]`*_<>|&~$]/g, '\\$&')
    .replace(/^([-+=#]|\d+(?=[.)](?:\s|$)))/, (start) => (/\d/.test(start) ? `${start}\\` : `\\${start}`));
}

function encodePath(path: string): string {
  const encode = (segment: string) =>
    encodeURIComponent(segment).replace(/[()]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return path.split('/').map(encode).join('/');
}
