/** Bounds that are checked before a header is parsed, because a hostile one could fill the memory. */
const MAX_TENSORS = 100_000;
const MAX_DEPTH = 3;
const MAX_BRACKETS = 4 * MAX_TENSORS;
const MAX_STRINGS = 12 * MAX_TENSORS;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const SPACES = new Set([0x09, 0x0a, 0x0d, 0x20]);

/**
 * What is wrong with the structure of a safetensors header, seen from brackets and strings alone, or undefined:
 * nested too deep, too many parts, or a duplicate key (`JSON.parse` would silently keep the last one).
 * It does not detect other invalid JSON.
 */
export function structuralFault(json: string): string | undefined {
  const keys: Set<string>[] = [];
  let brackets = 0;
  let strings = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (OPENING.has(code)) {
      keys.push(new Set());
      brackets++;
      if (keys.length > MAX_DEPTH) return 'the header is nested too deep';
      if (brackets > MAX_BRACKETS) return `the header lists more than ${MAX_TENSORS} tensors`;
    } else if (CLOSING.has(code)) {
      keys.pop();
    } else if (code === QUOTE) {
      const end = endOfString(json, i);
      strings++;
      if (strings > MAX_STRINGS) return 'the header has too many texts';
      const scope = keys[keys.length - 1];
      if (scope && isKey(json, end)) {
        const key = json.slice(i, end);
        if (scope.has(key)) return `the header has the key ${key.slice(0, 100)} twice`;
        scope.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  for (let i = start + 1; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i + 1;
  }
  return json.length;
}

function isKey(json: string, end: number): boolean {
  let i = end;
  while (SPACES.has(json.charCodeAt(i))) i++;
  return json.charCodeAt(i) === COLON;
}
