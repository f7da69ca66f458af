import type { Attention, Dealing } from '../../graph/operators.ts';
import { attention } from './attention.ts';
import { rowCount, splitRows } from './channels.ts';
import type { Emitter } from './emitter.ts';
import type { Ref } from './onnx/onnx.ts';

/** The two halves of a sequence of text and image. */
const PARTS = ['first', 'rest'] as const;

/** Queries, keys and values as rows [B, N, C] of text and image in one sequence. */
type Triple = readonly [query: Ref, key: Ref, value: Ref];

/**
 * Attention within the parts to which all tokens of text and image are dealt, see `Dealing`: the parts become images of
 * the batch. Text and image must have a multiple of parts · run tokens.
 * @param textCount [1]: the number of the text's tokens
 */
export function dealtAttention(emit: Emitter, triple: Triple, operator: Attention, textCount: Ref): Ref {
  const { onnx } = emit;
  const dealing = operator.dealing!;
  const [query, key, value] = triple.map((rows) => {
    const both = PARTS.map((part) => dealt(emit, splitRows(emit, rows, textCount, part), dealing));
    return emit.concat(both, 1);
  });
  const seen = attention(emit, query!, key!, value!, operator);
  const ofText = onnx.node('Div', [textCount, onnx.ints([dealing.parts])]);
  const both = PARTS.map((part) => gathered(emit, splitRows(emit, seen, ofText, part), dealing));
  return emit.concat(both, 1);
}

/** [B, n, C] → [B · parts, n / parts, C]. */
function dealt(emit: Emitter, rows: Ref, { parts, run }: Dealing): Ref {
  const { onnx } = emit;
  const count = onnx.node('Div', [rowCount(emit, rows), onnx.ints([parts])]);
  const channels = onnx.node('Shape', [rows], { attributes: { start: 2 } });
  const shape = emit.concat([onnx.ints([0, -1, parts, run]), channels], 0);
  const runs = onnx.node('Reshape', [rows, shape]);
  const apart = onnx.node('Transpose', [runs], { attributes: { perm: [0, 2, 1, 3, 4] } });
  return onnx.node('Reshape', [apart, emit.concat([onnx.ints([-1]), count, channels], 0)]);
}

/** The inverse of `dealt`. */
function gathered(emit: Emitter, rows: Ref, { parts, run }: Dealing): Ref {
  const { onnx } = emit;
  const runs = onnx.node('Div', [rowCount(emit, rows), onnx.ints([run])]);
  const channels = onnx.node('Shape', [rows], { attributes: { start: 2 } });
  const shape = emit.concat([onnx.ints([-1, parts]), runs, onnx.ints([run]), channels], 0);
  const apart = onnx.node('Reshape', [rows, shape]);
  const across = onnx.node('Transpose', [apart], { attributes: { perm: [0, 2, 1, 3, 4] } });
  return onnx.node('Reshape', [across, emit.concat([onnx.ints([0, -1]), channels], 0)]);
}

/** Rows of one part among all queries, and among all keys; [n] each. */
interface DealtPart {
  readonly queries: Ref;
  readonly keys: Ref;
}

/**
 * The same for any rows, given the rows of each part.
 * @param order [N]: where the result of each query is, among those of the parts one after the other
 */
export function listedAttention(
  emit: Emitter,
  [query, key, value]: Triple,
  operator: Attention,
  parts: readonly DealtPart[],
  order: Ref,
): Ref {
  const { onnx } = emit;
  const take = (rows: Ref, at: Ref) => onnx.node('Gather', [rows, at], { attributes: { axis: 1 } });
  const seen = parts.map(({ queries, keys }) =>
    attention(emit, take(query, queries), take(key, keys), take(value, keys), operator),
  );
  return take(emit.concat(seen, 1), order);
}
