import type { WholeCase } from '../case.ts';
import { budgets, fewerSteps } from './budget.ts';
import { dense, sparse } from './edit.ts';
import { generate } from './generate.ts';
import { branches, naive, patch } from './patch.ts';

/** The cases of whole pictures, by the names that `patchwork bench --whole` takes. */
export const WHOLE_CASES: readonly WholeCase[] = [
  generate,
  dense,
  sparse,
  patch,
  branches,
  naive,
  ...budgets,
  ...fewerSteps,
];
