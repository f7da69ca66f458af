import type { Target } from '../target.ts';
import { targets as bus } from './bus.ts';
import { targets as extension } from './extension.ts';
import { targets as foreign } from './foreign.ts';
import { targets as guessed } from './guessed.ts';
import { targets as models } from './models.ts';
import { targets as pages } from './pages.ts';
import { targets as readers } from './readers.ts';
import { weightTargets } from './weights.ts';

/** All targets; each room adds its readers. */
export const targets: readonly Target[] = [
  ...bus,
  ...extension,
  ...foreign,
  ...guessed,
  ...models,
  ...pages,
  ...readers,
  ...weightTargets,
];
