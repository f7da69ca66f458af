import type { SavedBenchmark } from '../../shared/benchmark/protocol.ts';

/** The runs that a page showed before a reload, from its validated state. */
export function savedShown(saved: unknown): string[] {
  const { shown } = (typeof saved === 'object' && saved !== null ? saved : {}) as Partial<SavedBenchmark>;
  return Array.isArray(shown) ? shown.filter((id) => typeof id === 'string') : [];
}
