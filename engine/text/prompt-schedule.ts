/** A prompt from a step on. */
interface ScheduledText {
  /** The first step that reads it, from 0. */
  from: number;
  text: string;
}

type Node =
  | string
  | { options: readonly Node[][] }
  /** `when`: a number of steps, or where written with a point a share of them. */
  | { before: Node[]; after: Node[]; when: string };

/** Brackets in brackets. */
const MAX_DEPTH = 20;

const WHEN = /^\s*(\d{0,5}\.?\d{1,5}|\d{1,5}\.)\s*$/;

/**
 * What a prompt says at each step, in the grammar of AUTOMATIC1111: `[cat:dog:0.5]` becomes the other word after that
 * share of the steps or, written without a point, that number of them; `[cat:10]` appears, `[cat::10]` goes; `[cat|dog]`
 * alternates. They nest. All other brackets stay as they are.
 */
export function scheduleOf(prompt: string, steps: number): ScheduledText[] {
  const nodes = parse(prompt, 0);
  const schedule: ScheduledText[] = [];
  for (let step = 0; step < Math.max(1, steps); step++) {
    const text = textAt(nodes, step, steps);
    if (schedule.at(-1)?.text !== text) schedule.push({ from: step, text });
  }
  return schedule;
}

function textAt(nodes: readonly Node[], step: number, steps: number): string {
  return nodes
    .map((node) => {
      if (typeof node === 'string') return node;
      if ('options' in node) return textAt(node.options[step % node.options.length]!, step, steps);
      const when = Number(node.when);
      const change = Math.floor(node.when.includes('.') ? when * steps : when);
      return textAt(step < change ? node.before : node.after, step, steps);
    })
    .join('');
}

function parse(text: string, depth: number): Node[] {
  const nodes: Node[] = [];
  let words = '';
  for (let at = 0; at < text.length; ) {
    const sign = text[at]!;
    const end = sign === '[' && depth < MAX_DEPTH ? closing(text, at) : undefined;
    const node = end === undefined ? undefined : changing(text.slice(at + 1, end), depth + 1);
    if (node) {
      if (words) nodes.push(words);
      words = '';
      nodes.push(node);
      at = end! + 1;
      continue;
    }
    const length = sign === '\\' ? 2 : 1;
    words += text.slice(at, at + length);
    at += length;
  }
  if (words) nodes.push(words);
  return nodes;
}

/** The text in brackets, if it changes. */
function changing(inside: string, depth: number): Node | undefined {
  const options = splitAt(inside, '|');
  if (options.length > 1) return { options: options.map((option) => parse(option, depth)) };
  const parts = splitAt(inside, ':');
  const when = parts.pop()!;
  if (parts.length < 1 || parts.length > 2 || !WHEN.test(when)) return undefined;
  const [before, after] = parts.length === 1 ? ['', parts[0]!] : (parts as [string, string]);
  return { before: parse(before, depth), after: parse(after, depth), when: when.trim() };
}

/** The place of the bracket that closes the one at `begin`. */
function closing(text: string, begin: number): number | undefined {
  let depth = 0;
  for (let at = begin; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') depth++;
    else if (text[at] === ']' && --depth === 0) return at;
  }
  return undefined;
}

/** Splits a text at a sign outside brackets. */
function splitAt(text: string, sign: ':' | '|'): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const here = text[at]!;
    if (here === '\\') at++;
    else if (here === '[' || here === '(') depth++;
    else if (here === ']' || here === ')') depth--;
    else if (here === sign && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}
