import { type LoraKind, sameShape } from './kind.ts';

/** Δ itself: of a weight, a bias, or of a norm's gain and bias (LyCORIS' `full` and `norm`). */
function full(part: string, changes: LoraKind['changes']): LoraKind {
  return {
    name: 'full differences',
    parts: [part],
    changes,
    fits: (parts, weight) => sameShape(parts.shape(part), weight),
    rank: () => undefined,
    async add(target, parts, _, scale) {
      const difference = parts.get(part);
      for (let i = 0; i < target.length; i++) target[i]! += scale * difference[i]!;
    },
  };
}

export const fullDifferences: readonly LoraKind[] = [
  full('diff', 'weight'),
  full('diff_b', 'bias'),
  full('w_norm', 'weight'),
  full('b_norm', 'bias'),
];
