import type { EditRequest, EditResult } from '../../engine/api.ts';
import type { DenseTime } from '../../webview/editorProtocol.ts';

/**
 * How long dense steps take, learned from the passes that recorded a picture's features: each computes every position.
 * From that the time of a whole dense edit is estimated where it was not measured.
 */
export class DenseTimes {
  readonly #steps = new Map<string, number[]>();

  /** Learns from an edit. */
  note(request: EditRequest, result: EditResult): void {
    if (result.recordSeconds.length === 0) return;
    const key = keyOf(request, result);
    this.#steps.set(key, [...(this.#steps.get(key) ?? []), ...result.recordSeconds].slice(-100));
  }

  /** What the same edit takes densely: its steps at the median of those seen, and what was not steps as it was. */
  estimate(request: EditRequest, result: EditResult): DenseTime | undefined {
    const seen = this.#steps.get(keyOf(request, result));
    if (!seen) return undefined;
    const rest = result.seconds - result.loadSeconds - sum(result.stepSeconds);
    const seconds = result.stepSeconds.length * median(seen) + Math.max(0, rest);
    return { seconds, basis: 'estimated', steps: seen.length };
  }
}

/** Steps of one key take the same time. */
function keyOf({ model, threads, precision }: EditRequest, { picture, recipe }: EditResult): string {
  const guided = recipe.guidance !== 1;
  return JSON.stringify([model, threads, precision, guided, picture.width, picture.height]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
