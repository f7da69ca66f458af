import { randomUUID } from 'node:crypto';
import type { LogOutputChannel } from 'vscode';
import type { AskedRequest } from '../../shared/additions.ts';
import type { Engine, GenerateProgress, GenerateRequest, GenerateResult } from '../../shared/api.ts';
import { formatSeconds } from '../../shared/format.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import { withoutIdleAdapter } from '../additions/adapter.ts';
import type { KeptPictures } from '../additions/keptPictures.ts';
import type { DenseSpeed } from '../denseSpeed.ts';
import type { Gallery } from '../gallery/store.ts';
import type { PromptHistory } from '../history.ts';
import type { EngineQueue } from './engineQueue.ts';
import type { RunLog } from './interrupted.ts';
import type { Pace } from './pace.ts';

export interface GenerateOptions {
  /** Identifies the run in the queue. */
  id?: string;
  /** The request without the values from the settings. */
  asked?: AskedRequest;
  /** Shared by images that were asked for together. */
  batch?: string;
  signal?: AbortSignal;
  onProgress?: (progress: GenerateProgress) => void;
}

interface Parts {
  queue: EngineQueue;
  kept: KeptPictures;
  gallery: Gallery;
  history: PromptHistory;
  denseSpeed: DenseSpeed;
  pace: Pace;
  runs: RunLog;
  log: LogOutputChannel;
}

/** Generates images for all features, whatever is open: each goes through the queue and into the gallery. */
export class Generator {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The engine for callers that use the results themselves. Their images are kept too. */
  get engine(): Engine {
    const { queue } = this.#parts;
    return {
      ...queue.engine,
      // Callers that pass images themselves do not repeat the request.
      generate: async (request, options) => {
        const { controls: _controls, references: _references, regions: _regions, ...kept } = request;
        return (await this.#run(kept, options ?? {}, request)).result;
      },
    };
  }

  async generate(request: AskedRequest, options: GenerateOptions = {}): Promise<PictureInfo> {
    const filled = await this.#parts.kept.filled(await withoutIdleAdapter(request));
    return (await this.#run(request, options, filled)).picture;
  }

  /** @param filled the request with its images */
  async #run(
    request: AskedRequest,
    { id = randomUUID(), asked, batch, signal, onProgress }: GenerateOptions,
    filled: GenerateRequest,
  ): Promise<{ result: GenerateResult; picture: PictureInfo }> {
    const { queue, gallery, history, denseSpeed, pace, runs, log } = this.#parts;
    await Promise.all([history.add(request.prompt), runs.begin({ id, request })]);
    try {
      const result = await queue.generate(filled, { id, batch, signal, onProgress });
      log.info(`${JSON.stringify(result.recipe)}: ${formatSeconds(result.seconds)}`);
      const picture = await gallery.add(request, result, { asked, batch });
      await pace.note(request, result);
      if (!result.workers) await denseSpeed.learn(request, result.recipe, result.stepSeconds);
      return { result, picture };
    } finally {
      await runs.end(id);
    }
  }
}
