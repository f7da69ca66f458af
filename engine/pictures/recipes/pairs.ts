const KEY = /[A-Za-z][\w /-]{0,60}:/y;
const QUOTED = /"(?:\\.|[^\\"])*"/y;

/**
 * `key: value` pairs separated by commas or line breaks; values with commas, colons or line breaks are JSON strings, or
 * lists and objects of other tools. The first value of a key wins.
 */
export function parseSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  /** Position of an unclosed quote or bracket: none after it is closed either. */
  let open = text.length;
  for (let at = 0; at < text.length; ) {
    while (text[at] === ' ') at++;
    KEY.lastIndex = at;
    const [found] = KEY.exec(text) ?? [];
    if (!found) {
      at = endOfValue(text, at) + 1;
      continue;
    }
    let begin = at + found.length;
    while (text[begin] === ' ') begin++;
    let from = begin;
    if (begin < open && /["{[]/.test(text[begin] ?? '')) {
      const closed = text[begin] === '"' ? endOfQuoted(text, begin) : endOfBrackets(text, begin);
      if (closed === undefined) open = begin;
      from = closed ?? begin;
    }
    const end = endOfValue(text, from);
    const key = found.slice(0, -1).trim();
    if (!settings.has(key)) settings.set(key, unquote(text.slice(begin, end).trim()));
    at = end + 1;
  }
  return settings;
}

/** Index of the next comma or line break, or the text's end. */
function endOfValue(text: string, from: number): number {
  let end = from;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end++;
  return end;
}

function endOfQuoted(text: string, begin: number): number | undefined {
  QUOTED.lastIndex = begin;
  return QUOTED.test(text) ? QUOTED.lastIndex : undefined;
}

/** Index after the bracket that closes the one at `begin`; brackets in strings do not count. */
function endOfBrackets(text: string, begin: number): number | undefined {
  let depth = 0;
  for (let at = begin; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') {
      const end = endOfQuoted(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if (sign === '{' || sign === '[') depth++;
    else if ((sign === '}' || sign === ']') && --depth === 0) return at + 1;
  }
  return undefined;
}

export function quoteIfNeeded(value: string): string {
  return /[,:"\n]|^\s|\s$|^$/.test(value) ? JSON.stringify(value) : value;
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
