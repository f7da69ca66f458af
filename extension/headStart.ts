import type { LogOutputChannel } from 'vscode';
import { isEmbedded } from '../engine/models/embedded.ts';
import { messageOf } from '../shared/errorMessage.ts';
import type { EngineQueue } from './queue/engineQueue.ts';
import { withSettings } from './requests.ts';

interface Parts {
  queue: Pick<EngineQueue, 'load'>;
  log: Pick<LogOutputChannel, 'info'>;
}

/**
 * Begins to load the embedded model when somebody is about to ask for an image, where that takes long. Larger models wait
 * for the image itself, since they take memory.
 */
export class HeadStart {
  readonly #parts: Parts;
  readonly #isUseful: boolean;
  #loading: Promise<void> | undefined;

  /** @param isUseful whether the engine loads slowly here */
  constructor(parts: Parts, isUseful: boolean) {
    this.#parts = parts;
    this.#isUseful = isUseful;
  }

  /** Never throws: the image that is asked for meets the same error. */
  take(): void {
    if (!this.#isUseful || this.#loading) return;
    this.#loading = this.#load()
      .catch((error: unknown) => this.#parts.log.info(`Nothing was loaded in advance: ${messageOf(error)}`))
      .finally(() => {
        this.#loading = undefined;
      });
  }

  async #load(): Promise<void> {
    const request = withSettings({ prompt: '' });
    const { model, loras = [], vae } = request;
    if (isEmbedded(model) && loras.length === 0 && !vae) await this.#parts.queue.load(request);
  }
}
