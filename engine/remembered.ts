/** What a map or a weak map does here. */
interface Known<Key, Value> {
  get(key: Key): Promise<Value> | undefined;
  set(key: Key, value: Promise<Value>): unknown;
  delete(key: Key): unknown;
}

/** The value of a key, made on first use. It is forgotten if that fails or is cancelled, and then made again. */
export function remembered<Key, Value>(
  known: Known<Key, Value>,
  key: Key,
  make: () => Promise<Value>,
): Promise<Value> {
  const value = known.get(key);
  if (value) return value;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
