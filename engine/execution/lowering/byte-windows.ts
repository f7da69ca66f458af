import type { ChannelRepeat, Convolution, PixelShuffle } from '../../graph/operators.ts';
import type { Layout } from '../../weights/quantized.ts';
import type { Emitter, Operand } from './emitter.ts';
import type { Ref } from './onnx/onnx.ts';

/**
 * 3×3 convolutions of maps in rows [B, H·W, C], in the order of y, then x, by weights in bytes: each row's neighbours are
 * gathered side by side and multiplied once. ONNX Runtime's own convolutions of bytes need a scale of the result beforehand,
 * or are slower than those of float32.
 */

/** A map in rows, and its height and width as a tensor of two. */
export interface Grid {
  readonly rows: Ref;
  readonly extent: Ref;
}

/** Where a tap reads, relative to the position. */
type Tap = readonly [down: number, across: number];

const AROUND = [-1, 0, 1];
const WINDOW: readonly Tap[] = AROUND.flatMap((y) => AROUND.map((x): Tap => [y, x]));

/** Of a folded upsampling, for a parity class of the result; see `Emitter.foldedKernel`. */
function cornerTaps(parity: number): readonly Tap[] {
  const [below, right] = [parity >> 1, parity & 1];
  return [below - 1, below].flatMap((y) => [right - 1, right].map((x): Tap => [y, x]));
}

/** The layout of the first matrix that `windowProduct` or `upsampledProduct` reads. */
export function firstLayout({ upsample }: Convolution): Layout {
  return upsample ? 'corner.0' : 'window';
}

export class ByteWindows {
  readonly #emit: Emitter;
  /** By extent and taps: where each tap of each position lies in the map with a rim of one position. */
  readonly #indexes = new Map<string, Ref>();

  constructor(emit: Emitter) {
    this.#emit = emit;
  }

  /** [B, H·W, C'] */
  product(grid: Grid, operator: Convolution): Ref {
    return this.#taps(this.#rimmed(grid, operator), grid.extent, operator, 'window', WINDOW);
  }

  /** Nearest-neighbour ×2 before the convolution, folded into it: [B, 4 · H·W, C']. */
  upsampled(grid: Grid, operator: Convolution): Ref {
    const operand = this.#rimmed(grid, operator);
    const parts = [0, 1, 2, 3].map((parity) =>
      this.#taps(operand, grid.extent, operator, `corner.${parity}`, cornerTaps(parity)),
    );
    return this.#interleaved(parts, grid.extent, operator.output.channels);
  }

  /** `pixelShuffle` to the next finer level, of rows. */
  shuffled({ rows, extent }: Grid, { output: { channels } }: PixelShuffle): Ref {
    const { onnx } = this.#emit;
    const cells = onnx.node('Reshape', [rows, onnx.ints([0, 0, channels, 4])]);
    const across = onnx.node('Transpose', [cells], { attributes: { perm: [0, 1, 3, 2] } });
    const shape = this.#shape([0], ...this.#sides(extent), [2, 2 * channels]);
    const pairs = onnx.node('Reshape', [across, shape]);
    const lines = onnx.node('Transpose', [pairs], { attributes: { perm: [0, 1, 3, 2, 4] } });
    return onnx.node('Reshape', [lines, onnx.ints([0, -1, channels])]);
  }

  /** Whether `shuffledRepeated` knows how many times channels are repeated. */
  static shufflesRepeated({ input, output }: ChannelRepeat): boolean {
    return [2, 4].includes(output.channels / input.channels);
  }

  /**
   * `shuffled`, of rows whose channels are repeated first: a finer position takes a channel of the coarser one as it is.
   * With four repetitions all four positions of a cell take the same channel, with two those of its upper line take one,
   * and those of its lower line the next.
   */
  shuffledRepeated({ rows, extent }: Grid, { input, output }: ChannelRepeat): Ref {
    const { onnx } = this.#emit;
    const channels = output.channels / 4;
    const lines = input.channels / channels;
    const [height, width] = this.#sides(extent);
    const apart = onnx.node('Reshape', [rows, this.#shape([0], extent, [channels, lines])]);
    const inLines = onnx.node('Transpose', [apart], { attributes: { perm: [0, 1, 4, 2, 3] } });
    const once = onnx.node('Reshape', [inLines, this.#shape([0], height, [lines], width, [1, channels])]);
    const all = onnx.node('Expand', [once, onnx.ints([1, 1, 2, 1, 2, 1])]);
    return onnx.node('Reshape', [all, onnx.ints([0, -1, channels])]);
  }

  /** The extent of the next finer level. */
  doubled(extent: Ref): Ref {
    return this.#emit.onnx.node('Mul', [extent, this.#emit.onnx.ints([2, 2])]);
  }

  /** The operand of a product, with a rim of zeros. */
  #rimmed({ rows, extent }: Grid, operator: Convolution): Operand {
    const { onnx } = this.#emit;
    const { weight, input } = operator;
    const operand = this.#emit.operand(rows, weight, firstLayout(operator));
    const map = onnx.node('Reshape', [operand.rows, this.#shape([0], extent, [input.channels])]);
    const zero = operand.bytes ? [operand.bytes.zero] : [];
    const rim = onnx.node('Pad', [map, onnx.ints([0, 1, 1, 0, 0, 1, 1, 0]), ...zero], {}, 'window');
    return { ...operand, rows: onnx.node('Reshape', [rim, onnx.ints([0, -1, input.channels])]) };
  }

  #taps(
    operand: Operand,
    extent: Ref,
    { weight, bias, input }: Convolution,
    layout: Layout,
    taps: readonly Tap[],
  ): Ref {
    const { onnx } = this.#emit;
    const index = this.#index(extent, taps);
    const gathered = onnx.node('Gather', [operand.rows, index], { attributes: { axis: 1 } }, 'window');
    const rows = onnx.node('Reshape', [gathered, onnx.ints([0, 0, taps.length * input.channels])]);
    const added = bias && { bias: this.#emit.weight(bias) };
    return this.#emit.product({ ...operand, rows }, weight, layout, added, 'convolution');
  }

  /** int32 [H·W, taps] */
  #index(extent: Ref, taps: readonly Tap[]): Ref {
    const key = `${extent} ${taps.join(' ')}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const { onnx } = this.#emit;
    const [height, width] = this.#sides(extent);
    const count = (length: Ref) =>
      onnx.node('Range', [onnx.ints([0], []), onnx.node('Squeeze', [length]), onnx.ints([1], [])]);
    const wide = onnx.node('Add', [width, onnx.ints([2])]);
    const lines = onnx.node('Mul', [onnx.node('Unsqueeze', [count(height), onnx.ints([1])]), wide]);
    const places = onnx.node('Reshape', [onnx.node('Add', [lines, count(width)]), onnx.ints([-1, 1])]);
    const down = onnx.node('Mul', [onnx.ints(taps.map(([y]) => y + 1)), wide]);
    const offsets = onnx.node('Add', [down, onnx.ints(taps.map(([, x]) => x + 1))]);
    const index = onnx.cast(onnx.node('Add', [places, offsets]), 'int32');
    this.#indexes.set(key, index);
    return index;
  }

  /** Rows of the four parity classes of a finer map, as its rows. */
  #interleaved(parts: readonly Ref[], extent: Ref, channels: number): Ref {
    const { onnx } = this.#emit;
    const [height, width] = this.#sides(extent);
    const shape = this.#shape([0], height, [1], width, [1, channels]);
    const [a, b, c, d] = parts.map((part) => onnx.node('Reshape', [part, shape]));
    const lines = [this.#emit.concat([a!, b!], 4), this.#emit.concat([c!, d!], 4)];
    return onnx.node('Reshape', [this.#emit.concat(lines, 2), onnx.ints([0, -1, channels])]);
  }

  #sides(extent: Ref): [height: Ref, width: Ref] {
    const [height, width] = this.#emit.split(extent, [1, 1], 0);
    return [height!, width!];
  }

  #shape(...parts: (readonly number[] | Ref)[]): Ref {
    const { onnx } = this.#emit;
    return this.#emit.concat(
      parts.map((part) => (typeof part === 'string' ? part : onnx.ints(part))),
      0,
    );
  }
}
