/** Bytes that the browser still lets this site keep; infinite if it does not say. */
export async function freeBytes(): Promise<number> {
  const { quota = Number.POSITIVE_INFINITY, usage = 0 } = (await navigator.storage.estimate?.()) ?? {};
  return Math.max(0, quota - usage);
}
