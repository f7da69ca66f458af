/** Pairs that CLIP's tokenizer merges: its 49 408 tokens without bytes, word ends and the two special ones. */
export const CLIP_MERGES = 48_894;

/**
 * CLIP's vocabulary, which follows from its merges (openai/CLIP, `simple_tokenizer.py`): a sign for each byte, the same at the
 * end of a word, the merged pairs in order, and the special tokens.
 */
export function clipVocabulary(merges: readonly (readonly [string, string])[]): Record<string, number> {
  const bytes = byteSigns();
  const tokens = [
    ...bytes,
    ...bytes.map((sign) => `${sign}</w>`),
    ...merges.map((pair) => pair.join('')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** The printable bytes as they are, then the others as the signs from U+0100 on. */
function byteSigns(): string[] {
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const others = all.filter((byte) => !isPrintable(byte));
  return [...all.filter(isPrintable), ...others.map((_, i) => 0x100 + i)].map((code) =>
    String.fromCharCode(code),
  );
}
