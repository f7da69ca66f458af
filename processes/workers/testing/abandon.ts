/** Starts a picture on two workers, sends their process ids, and continues until it is killed. */

import { NodeBackend } from '../../../engine/backends/node/backend.ts';
import { createEngine } from '../../../engine/engine.ts';
import { LocalCrew } from '../crew.ts';

const crew = new LocalCrew();
const engine = createEngine(new NodeBackend(), { openCrew: () => crew });
await engine.generate(
  { prompt: 'a house', steps: 150, workers: 2, threads: 1, patch: { split: 'bands' } },
  {
    onProgress: async ({ step }) => {
      if (step === 3) process.send!((await crew.members(2, 1)).map(({ pid }) => pid));
    },
  },
);
