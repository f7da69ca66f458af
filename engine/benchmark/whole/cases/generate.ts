import type { WholeCase } from '../case.ts';

/** Draws the picture again. */
export const generate: WholeCase = {
  name: 'generate',
  mode: 'dense',
  masked: false,
  run: ({ engine, prompt, width, height, seed, model, steps, threads, precision, attention }, options) =>
    engine.generate(
      { prompt, width, height, seed, model, steps, threads, precision, attention, previews: false },
      options,
    ),
};
