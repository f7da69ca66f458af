import { TINY } from '../../regions/bytes.ts';
import { CLIP } from '../../regions/packed.ts';
import type { OnnxBuilder, Ref } from './onnx/onnx.ts';
import type { RecordedRows } from './recorded-rows.ts';

/**
 * Rows of guidance's two halves, [2, N, C], in one byte for both: of the first half, and of the difference of the second
 * from it, 4 bits each. As in main memory (`transformer/kept-rows.ts`), the rounding of the first half is the same in both;
 * and a value is centre + spread · scale · (code − 7.5), with a scale for each row, as in `regions/packed.ts`.
 */
const BITS = 4;
const LEVELS = 2 ** BITS;
const MIDDLE = LEVELS / 2;

/** Mean and deviation of each channel, [2, 1, C]: of the first half and of the difference. */
export interface Ranges {
  centre: Ref;
  spread: Ref;
}

/** Emits operators without attributes. */
type Node = (type: string, ...inputs: Ref[]) => Ref;

function nodesOf(onnx: OnnxBuilder): Node {
  return (type, ...inputs) => onnx.node(type, inputs, {}, 'bytes');
}

/** The first half and the difference, or the reverse. @param operator Sub or Add */
function exchanged(onnx: OnnxBuilder, x: Ref, operator: 'Sub' | 'Add'): Ref {
  const [first, second] = halvesOf(onnx, x);
  return joined(onnx, [first, onnx.node(operator, [second, first], {}, 'bytes')]);
}

function halvesOf(onnx: OnnxBuilder, x: Ref): [Ref, Ref] {
  const half = (at: number) =>
    onnx.node('Slice', [x, onnx.ints([at]), onnx.ints([at + 1]), onnx.ints([0])], {}, 'bytes');
  return [half(0), half(1)];
}

function joined(onnx: OnnxBuilder, halves: readonly [Ref, Ref]): Ref {
  return onnx.node('Concat', halves, { attributes: { axis: 0 } }, 'bytes');
}

/**
 * Rows [2, N, C] as nibbles, and the ranges that they are relative to: their own where `fresh` is 1, the given ones where
 * it is 0.
 */
export function nibblesOf(
  onnx: OnnxBuilder,
  rows: Ref,
  given: Ranges,
  fresh: Ref,
): Required<RecordedRows> & Ranges {
  const node = nodesOf(onnx);
  const mean = (x: Ref, axis: number) => node('ReduceMean', x, onnx.ints([axis]));
  const x = exchanged(onnx, rows, 'Sub');
  const chosen = (own: Ref, other: Ref) => node('Add', other, node('Mul', node('Sub', own, other), fresh));
  const own = mean(x, 1);
  const apart = node('Sub', x, own);
  const deviation = node('Add', node('Sqrt', mean(node('Mul', apart, apart), 1)), onnx.floats([TINY]));
  const [centre, spread] = [chosen(own, given.centre), chosen(deviation, given.spread)];
  const relative = node('Div', node('Sub', x, centre), spread);
  const size = node('Sqrt', mean(node('Mul', relative, relative), 2));
  const scale = node('Add', node('Mul', size, onnx.floats([CLIP[BITS]! / MIDDLE])), onnx.floats([TINY]));
  const steps = node('Add', node('Floor', node('Div', relative, scale)), onnx.floats([MIDDLE]));
  const codes = node('Clip', steps, onnx.floats([0], []), onnx.floats([LEVELS - 1], []));
  const [high, low] = halvesOf(onnx, codes);
  const both = node('Add', node('Mul', high, onnx.floats([LEVELS])), low);
  return { rows: onnx.cast(both, 'uint8'), scale, centre, spread };
}

/** The rows [2, N, C] of nibbles. */
export function rowsOfNibbles(
  onnx: OnnxBuilder,
  { rows, scale }: Required<RecordedRows>,
  { centre, spread }: Ranges,
): Ref {
  const node = nodesOf(onnx);
  const both = onnx.cast(rows, 'float32');
  const high = node('Floor', node('Mul', both, onnx.floats([1 / LEVELS])));
  const low = node('Sub', both, node('Mul', high, onnx.floats([LEVELS])));
  const steps = node('Sub', joined(onnx, [high, low]), onnx.floats([(LEVELS - 1) / 2]));
  const x = node('Add', node('Mul', node('Mul', steps, scale), spread), centre);
  return exchanged(onnx, x, 'Add');
}
