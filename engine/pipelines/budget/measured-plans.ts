/**
 * Ways to spend few MACs that were measured to be better than plain steps of the same cost, cheapest first: see the
 * study `compute-budget.ts` and docs/measurements.md. Guidance decides the composition in the first steps (Kynkäänniemi
 * et al. 2024, arXiv:2404.07724), and the placement of few steps matters much (Sabour et al. 2024, arXiv:2404.14507).
 * For budgets above the last one plain steps are best.
 */
export const MEASURED_PLANS: readonly string[] = [
  'FPP 999 626 292',
  'FPPPP 999 729 529 329 94',
  'FFPPPP 999 773 606 440 300 100',
  'FFFPPPP 999 946 713 570 428 195 82',
];

/** With no more steps than this, as distilled models take, the only way to save is to leave out steps. */
export const FEW_STEPS = 8;

/**
 * Least number of an edit's computed steps with which forecasts pay: twice as many steps, of which every second one is
 * forecast, are nearer to the full edit than this many plain steps (docs/measurements.md).
 */
export const FORECASTS_FROM = 6;
