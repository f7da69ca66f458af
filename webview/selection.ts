/** Selecting images as files are selected in lists. */

/** The selection after a click with modifier keys. */
export function clicked(
  listed: readonly string[],
  selected: readonly string[],
  id: string,
  { ctrlKey, metaKey, shiftKey }: Pick<MouseEvent, 'ctrlKey' | 'metaKey' | 'shiftKey'>,
): string[] {
  if (ctrlKey || metaKey) return toggled(selected, id);
  const last = selected.at(-1);
  if (!shiftKey || last === undefined) return selected.length === 1 && selected[0] === id ? [] : [id];
  const [from, to] = [listed.indexOf(last), listed.indexOf(id)].sort((a, b) => a - b) as [number, number];
  const range = listed.slice(from, to + 1);
  // The last one stays the end that the next range starts from.
  return [...range.filter((each) => each !== last), last];
}

/** The selection with an image more, or without it. */
export function toggled(selected: readonly string[], id: string): string[] {
  return selected.includes(id) ? selected.filter((other) => other !== id) : [...selected, id];
}

/** The selection without what is not listed any more. */
export function without(selected: readonly string[], listed: readonly string[]): string[] {
  return selected.filter((id) => listed.includes(id));
}
