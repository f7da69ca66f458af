import { fullDifferences } from './full.ts';
import { glora } from './glora.ts';
import { ia3, ia3Peft } from './ia3.ts';
import type { LoraKind } from './kind.ts';
import { loha } from './loha.ts';
import { lokr } from './lokr.ts';
import { lora, tucker } from './lora.ts';

export type { LoraKind } from './kind.ts';

/** All kinds that are read. A file is of the first kind whose parts it has. */
export const LORA_KINDS: readonly LoraKind[] = [
  tucker,
  lora,
  loha,
  lokr,
  glora,
  ia3,
  ia3Peft,
  ...fullDifferences,
];
