import type { StepCase } from '../case.ts';
import { dense } from './dense.ts';
import { branches, patch } from './patch.ts';
import { rows, sparse, sparseExact } from './rows.ts';

/** The cases of single U-Net runs, by the names that `patchwork bench` takes. */
export const STEP_CASES: readonly StepCase[] = [dense, rows, sparse, sparseExact, patch, branches];
