/** Rows of compute budgets, each beside its control. */
import type { Figure } from './table.ts';

/** One share of the operations: by the plan for it, and on plain steps. */
export interface Share {
  percent: number;
  plan: Figure;
  control?: Figure;
}

/** The full image and its shares, the largest first, of one run in one precision. */
export interface Budgets {
  /** Distinguishes several. */
  title: string;
  full: Figure;
  shares: Share[];
}

/** The share in per cent of a case that spends one; undefined for others. */
function shareOf({ row }: Figure, kind: 'budget' | 'steps'): number | undefined {
  const percent = new RegExp(`^${kind}-(\\d+)$`).exec(row.case)?.[1];
  return percent === undefined ? undefined : Number(percent);
}

/** Whether the images of a row are shown with its budgets. */
export function isBudget(figure: Figure): boolean {
  return (['budget', 'steps'] as const).some((kind) => shareOf(figure, kind) !== undefined);
}

/** Groups the rows of budgets that have a full image beside them. */
export function budgetsOf(figures: readonly Figure[]): Budgets[] {
  const fulls = figures.filter(({ row }) => row.case === 'generate' && row.workers === 1);
  return fulls.flatMap((full) => {
    const like = figures.filter(
      ({ run, row }) => run === full.run && row.precision === full.row.precision && row.workers === 1,
    );
    const shares = like.flatMap((plan): Share[] => {
      const percent = shareOf(plan, 'budget');
      if (percent === undefined) return [];
      return [{ percent, plan, control: like.find((other) => shareOf(other, 'steps') === percent) }];
    });
    if (shares.length === 0) return [];
    return [{ title: full.title, full, shares: shares.sort((a, b) => b.percent - a.percent) }];
  });
}
