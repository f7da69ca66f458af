import { NO_ADDITIONS, NO_CONTROL } from '../../../shared/additions.ts';
import { NO_EXTENSION } from '../../../shared/editorProtocol.ts';
import type { Painted } from '../painted.ts';

/** Facts about an edit that nothing was computed for. */
export function painted(prompt: string): Painted {
  const zeros = { steps: 0, macs: 0, denseMacs: 0, recordingMacs: 0, recordedSteps: 0, recordSeconds: 0 };
  const cost = { prompt, seed: 1, ...zeros, seconds: 1, loadSeconds: 0, activeFraction: [], computed: [] };
  const typed = { prompt, negativePrompt: '', strength: 0.9, steps: '', seed: '1', seedLocked: false };
  const recipe = { prompt, seed: 1 } as Painted['recipe'];
  const draft = {
    ...typed,
    way: 'mask',
    extension: NO_EXTENSION,
    precision: '',
    variations: 1,
    additions: NO_ADDITIONS,
    control: NO_CONTROL,
    budget: 1,
    zoom: false,
  } as const;
  return { recipe, cost, draft };
}
