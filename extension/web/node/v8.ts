/**
 * The part of node:v8 that the extension uses: values with bytes in them, as one array. A length, that many bytes of
 * JSON in which `{ $bytes: [from, length] }` stands for bytes, then the bytes.
 */
const LENGTH = 4;

export function serialize(value: unknown): Uint8Array {
  const parts: Uint8Array[] = [];
  let end = 0;
  const json = JSON.stringify(value, (_key, inner) => {
    if (!(inner instanceof Uint8Array)) return inner;
    parts.push(inner);
    end += inner.length;
    return { $bytes: [end - inner.length, inner.length] };
  });
  const text = new TextEncoder().encode(json);
  const result = new Uint8Array(LENGTH + text.length + end);
  new DataView(result.buffer).setUint32(0, text.length);
  result.set(text, LENGTH);
  let at = LENGTH + text.length;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** @throws if it is truncated or something else */
export function deserialize(from: Uint8Array): unknown {
  const length = new DataView(from.buffer, from.byteOffset, from.byteLength).getUint32(0);
  const data = from.subarray(LENGTH + length);
  const text = new TextDecoder().decode(from.subarray(LENGTH, LENGTH + length));
  return JSON.parse(text, (_key, inner) => {
    if (!Array.isArray(inner?.$bytes)) return inner;
    const [begin, count] = inner.$bytes as number[];
    if (begin! + count! > data.length) throw new RangeError('the bytes end early');
    return data.slice(begin, begin! + count!);
  });
}
