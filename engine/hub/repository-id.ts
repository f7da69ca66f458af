const ID = /^[\w][\w.-]{0,95}\/[\w][\w.-]{0,95}$/;

/** True for `owner/name`, which is what models on the hub are called. */
export function isRepositoryId(text: string): boolean {
  return ID.test(text) && !text.includes('..');
}
