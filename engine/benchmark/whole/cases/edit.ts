import type { EditMode } from '../../../../shared/api.ts';
import type { WholeCase } from '../case.ts';

/** Edits the picture and computes everything. */
export const dense = edit('dense');

/** Edits the image and computes only the masked part, from recorded features. */
export const sparse = edit('sparse');

function edit(mode: Exclude<EditMode, 'auto'>): WholeCase {
  return {
    name: mode,
    mode,
    masked: true,
    run: ({ engine, image, mask, editPrompt, seed, model, ...task }, options) => {
      const { steps, strength, dilation, threads, precision, attention } = task;
      const settings = {
        model,
        steps,
        strength,
        dilation,
        threads,
        precision,
        attention,
        previews: false,
        raw: true,
      };
      return engine.edit({ prompt: editPrompt, image, mask: mask!, mode, seed, ...settings }, options);
    },
  };
}
