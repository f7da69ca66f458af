const ID = /^[\w][\w.-]{0,95}\/[\w][\w.-]{0,95}$/;

/** True for `owner/name`, which is what models on the hub are called. */
export function isRepositoryId(text: string): boolean {
  return ID.test(text) && !text.includes('..');
}

/** True for what can name a branch, a tag or a commit, and no way out of a folder. */
export function isRevision(text: string): boolean {
  return /^[\w][\w./-]{0,199}$/.test(text) && !/\.\.|\/\/|\/$/.test(text);
}
