import { isFilePath } from '../../shared/fileNames.ts';

const ID = /^[\w][\w.-]{0,95}\/[\w][\w.-]{0,95}$/;

/** True for `owner/name`, the form of model names on the hub. */
export function isRepositoryId(text: string): boolean {
  // The cache's folders are named with `--` between owner and name; Windows drops a dot at the end.
  return ID.test(text) && !/\.\.|--|\.$|\.\//.test(text);
}

/** True for a name of a branch, tag or commit that cannot lead out of a folder. */
export function isRevision(text: string): boolean {
  return /^[\w][\w./-]{0,199}$/.test(text) && !text.includes('..') && isFilePath(text);
}
