import { type LoraKind, type ModuleShapes, sizeOf } from './kind.ts';

/**
 * Δ = W · w along the input or the output channels (Liu et al. 2022), as LyCORIS writes it: w is near 0, and `on_input`
 * says which.
 */
export const ia3: LoraKind = {
  name: 'IA³',
  parts: ['weight', 'on_input'],
  changes: 'weight',
  fits(parts, weight) {
    const count = sizeOf(parts.shape('weight'));
    return sizeOf(parts.shape('on_input')) === 1 && (count === weight[0] || count === (weight[1] ?? 1));
  },
  rank: () => undefined,
  async add(target, parts, { values, shape }, scale) {
    const onInput = parts.get('on_input')[0] !== 0;
    addAlong(target, values, shape, parts.get('weight'), onInput, (w) => scale * w);
  },
};

/** The same as PEFT writes it: l is near 1; [in] or [1, in] on the input, [out, 1] on the output. */
export const ia3Peft: LoraKind = {
  name: 'IA³',
  parts: ['ia3_l'],
  changes: 'weight',
  fits: (parts, weight) =>
    sizeOf(parts.shape('ia3_l')) === (isOnOutput(parts) ? weight[0] : (weight[1] ?? 1)),
  rank: () => undefined,
  async add(target, parts, { values, shape }, scale) {
    addAlong(target, values, shape, parts.get('ia3_l'), !isOnOutput(parts), (l) => scale * (l - 1));
  },
};

function isOnOutput(parts: ModuleShapes): boolean {
  const shape = parts.shape('ia3_l');
  return shape.length > 1 && shape[0] !== 1;
}

function addAlong(
  target: Float32Array,
  values: Float32Array,
  shape: readonly number[],
  factors: Float32Array,
  onInput: boolean,
  change: (factor: number) => number,
): void {
  const columns = shape[1] ?? 1;
  const taps = sizeOf(shape.slice(2));
  for (let i = 0; i < target.length; i++) {
    const column = Math.floor(i / taps) % columns;
    const row = Math.floor(i / (taps * columns));
    target[i]! += values[i]! * change(factors[onInput ? column : row] ?? 0);
  }
}
