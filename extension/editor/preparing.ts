import { setTimeout as sleep } from 'node:timers/promises';
import { isAbort } from '../../engine/errors.ts';
import { requestOfAdditions } from '../../shared/additions.ts';
import type { EditDraft } from '../../shared/editorProtocol.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { withoutIdleAdapter } from '../additions/adapter.ts';
import { denseStepOf } from '../denseSpeed.ts';
import { prepareWithSettings } from '../requests.ts';
import type { Services } from '../services.ts';
import type { PictureDocument } from './document.ts';
import { stepsOf } from './draft.ts';

/** Milliseconds after another request to the engine until the recording continues. */
const AGAIN = 1500;

/**
 * Records a document's picture while its user paints a mask, so that the first edit is as fast as later ones. Any
 * other request to the engine interrupts it, and editing works without it.
 */
export class Preparing {
  readonly #services: Services;
  readonly #document: PictureDocument;
  /** One at a time, whatever the number of documents: each would cancel the others' recording. */
  static #recording: Promise<unknown> = Promise.resolve();
  #run: AbortController | undefined;
  /** Images that were recorded completely, or cannot be: a state of the pixels, with the form. */
  #done: string | undefined;
  /** The state of the pixels that the segmenter has encoded. */
  #encoded: number | undefined;

  constructor(services: Services, document: PictureDocument) {
    this.#services = services;
    this.#document = document;
    document.onDidDispose(() => this.stop());
  }

  /** Starts for the picture as it is now; errors are not shown. */
  start(draft: EditDraft): void {
    const { strength, steps, precision, additions, budget } = draft;
    const key = JSON.stringify([this.#document.version, strength, steps, precision, additions, budget]);
    if (key === this.#done) return;
    this.stop();
    const run = new AbortController();
    this.#run = run;
    this.#document.update({ prepared: false });
    this.#record(draft, run.signal)
      .then(() => {
        this.#done = key;
      })
      .catch((error) => {
        if (isAbort(error)) return;
        // Errors are reported when an edit is requested.
        this.#services.log.warn(`Not analysed in the background: ${messageOf(error)}`);
        this.#done = key;
      })
      .finally(() => {
        if (this.#run !== run) return;
        this.#run = undefined;
        this.#document.update({ preparing: undefined });
      });
  }

  stop(): void {
    this.#run?.abort();
    this.#run = undefined;
    if (this.#document.state.preparing) this.#document.update({ preparing: undefined });
  }

  async #record(
    { strength, steps, precision, additions, budget }: EditDraft,
    signal: AbortSignal,
  ): Promise<void> {
    const { controls, references, ...others } = requestOfAdditions(additions);
    const asked = prepareWithSettings(
      {
        image: (await this.#document.canvas()).raster,
        strength: strength || undefined,
        steps: stepsOf(steps),
        precision: precision || undefined,
        ...others,
        ...(await this.#services.kept.images({ controls, references })),
        budget: budget < 1 ? budget : undefined,
      },
      this.#document.uri,
    );
    const request = await withoutIdleAdapter(asked);
    const { version } = this.#document;
    if (this.#document.state.canSelect && this.#encoded !== version) {
      // Clicks are answered at once if the image is encoded.
      const image = await this.#document.encoded();
      await this.#inTurn(() => this.#services.engine.segment({ image }, { signal }));
      this.#encoded = version;
    }
    for (;;) {
      try {
        const {
          recipe,
          editSteps = 0,
          complete,
        } = await this.#inTurn(() => {
          signal.throwIfAborted();
          return this.#services.engine.prepareEdit(request, {
            signal,
            onProgress: ({ stage, step, steps }) => {
              if (stage === 'record' && !signal.aborted)
                this.#document.update({ preparing: { step, steps } });
            },
          });
        });
        const step = recipe && (await denseStepOf(request, recipe).catch(() => undefined));
        const time = step && this.#services.denseSpeed.stepTime(step);
        this.#document.update({ prepared: complete, mostSeconds: time && editSteps * time.seconds });
        return;
      } catch (error) {
        if (!isAbort(error) || signal.aborted) throw error;
      }
      this.#document.update({ preparing: undefined });
      do await sleep(AGAIN, undefined, { signal });
      while (this.#document.state.run);
    }
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = Preparing.#recording.then(task);
    Preparing.#recording = result.catch(() => {});
    return result;
  }
}
