/**
 * Applies emphasis to the states of a chunk [L, C], in place: state = empty + weight · (state − empty), where `empty` is
 * the empty prompt's state at that position. This is ComfyUI's arithmetic, which needs no norm to be restored.
 */
export function strengthen(states: Float32Array, empty: Float32Array, weights: Float32Array): void {
  const channels = states.length / weights.length;
  for (const [place, weight] of weights.entries()) {
    if (weight === 1) continue;
    for (let i = place * channels; i < (place + 1) * channels; i++)
      states[i] = empty[i]! + weight * (states[i]! - empty[i]!);
  }
}
