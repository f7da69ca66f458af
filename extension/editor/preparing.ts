import { setTimeout as sleep } from 'node:timers/promises';
import { workspace } from 'vscode';
import { InputError, isAbort } from '../../engine/errors.ts';
import { chooseWindow } from '../../engine/pictures/window.ts';
import { boxOf } from '../../engine/regions/box.ts';
import type { PrepareEditRequest, Recipe } from '../../shared/api.ts';
import type { EditDraft, EditWay } from '../../shared/editorProtocol.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { type Area, boundsOf } from '../../shared/raster.ts';
import { stepsByPositions } from '../../shared/stepPlan.ts';
import { withoutIdleAdapter } from '../additions/adapter.ts';
import { denseStepOf } from '../denseSpeed.ts';
import { modelChanges } from '../models/changes.ts';
import { Remaining } from '../queue/remaining.ts';
import type { Services } from '../services.ts';
import { controlOf, withLayer } from './controlLayer.ts';
import type { PictureDocument } from './document.ts';
import { selectorOf } from './documentSelector.ts';
import { type ExpectedEdit, expectedEdit, keyOf, zooms } from './expectedEdit.ts';
import { isLarge } from './pages.ts';
import type { PictureModel } from './pictureModel.ts';

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
  /** The form of the edit that is expected, while an editor is visible. */
  #draft: EditDraft | undefined;
  /** Counts what was asked for: of several that come while a key is computed, the last one counts. */
  #asked = 0;
  /** What was recorded, or cannot be: a state of the pixels, with the form and the settings. */
  #done: string | undefined;
  /** The last recording failed. */
  #failed = false;
  /** What is recorded now, likewise. */
  #running: string | undefined;
  /** The state of the pixels that the segmenter has encoded. */
  #encoded: number | undefined;
  /** What an edit of the form will be, to tell its time. */
  #expected: { request: PrepareEditRequest; recipe: Recipe; editSteps: number; spent: number } | undefined;

  constructor(services: Services, document: PictureDocument) {
    this.#services = services;
    this.#document = document;
    const listening = [
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('patchwork')) this.#again();
      }),
      modelChanges.event(() => {
        // What was missing may be here now.
        if (this.#failed) this.#done = undefined;
        this.#again();
      }),
    ];
    document.onDidDispose(() => {
      for (const each of listening) each.dispose();
      this.stop();
    });
  }

  /** Starts for the picture as it is now, and again when the settings or the models change; errors are not shown. */
  start(draft: EditDraft): void {
    this.#draft = draft;
    this.#begin(draft).catch((error) => this.#warn(error));
  }

  #again(): void {
    if (this.#draft) this.start(this.#draft);
  }

  async #begin(draft: EditDraft): Promise<void> {
    const asked = ++this.#asked;
    const { version, controlVersion, uri } = this.#document;
    const model = await this.#document.model();
    const expected = expectedEdit(
      draft,
      uri,
      zooms(draft) || isLarge(model) ? paintedIn(model, draft.way) : undefined,
    );
    const key = JSON.stringify([version, controlVersion, draft.control, await keyOf(expected)]);
    if (asked !== this.#asked) return;
    void this.#tellTime();
    if (key === this.#done || key === this.#running) return;
    this.#cancel();
    this.#start(key, (signal) => this.#record(draft, expected, signal));
  }

  #start(key: string, record: (signal: AbortSignal) => Promise<void>): void {
    const run = new AbortController();
    this.#run = run;
    this.#running = key;
    this.#document.update({ prepared: false });
    record(run.signal)
      .then(() => {
        this.#done = key;
        this.#failed = false;
      })
      .catch((error) => {
        if (isAbort(error)) return;
        this.#warn(error);
        this.#done = key;
        this.#failed = true;
      })
      .finally(() => {
        if (this.#run !== run) return;
        this.#run = undefined;
        this.#running = undefined;
        this.#document.update({ preparing: undefined });
      });
  }

  /** Errors are reported when an edit is requested. */
  #warn(error: unknown): void {
    this.#services.log.warn(`Not analysed in the background: ${messageOf(error)}`);
  }

  stop(): void {
    this.#asked++;
    this.#draft = undefined;
    this.#cancel();
  }

  #cancel(): void {
    this.#run?.abort();
    this.#run = undefined;
    this.#running = undefined;
    if (this.#document.state.preparing) this.#document.update({ preparing: undefined });
  }

  async #record(draft: EditDraft, expected: ExpectedEdit, signal: AbortSignal): Promise<void> {
    const layer = await controlOf(this.#services, this.#document, { ...draft, way: 'all' });
    const request = await withoutIdleAdapter({
      ...expected.request,
      image: (await this.#document.canvas()).raster,
      ...withLayer(await this.#services.kept.images(expected.images), layer),
    });
    for (;;) {
      const remaining = new Remaining();
      try {
        await this.#encode(signal);
        const {
          recipe,
          editSteps = 0,
          spent = 1,
          complete,
        } = await this.#inTurn(() => {
          signal.throwIfAborted();
          return this.#services.engine.prepareEdit(request, {
            signal,
            onProgress: ({ stage, step, steps }) => {
              if (stage !== 'record' || signal.aborted) return;
              const left = remaining.after({ stage, step, steps }, performance.now() / 1000);
              this.#document.update({ preparing: { step, steps, ...(left && { remaining: left }) } });
            },
          });
        });
        this.#document.update({ prepared: complete });
        this.#expected = recipe && { request, recipe, editSteps, spent };
        await this.#tellTime();
        return;
      } catch (error) {
        if (!isAbort(error) || signal.aborted) throw error;
      }
      this.#document.update({ preparing: undefined });
      do await sleep(AGAIN, undefined, { signal });
      while (this.#document.state.run);
    }
  }

  /** Has the image encoded by the segmenter, so that clicks are answered at once. */
  async #encode(signal: AbortSignal): Promise<void> {
    const { version, state } = this.#document;
    if (!state.canSelect || this.#encoded === version) return;
    const image = await this.#document.encoded();
    const selector = selectorOf(this.#services, this.#document);
    await this.#inTurn(() => selector.encode(image, { signal })).catch((error) => {
      if (isAbort(error)) throw error;
      // A segmenter that cannot be used must not keep the image from being recorded.
      this.#warn(error);
    });
    this.#encoded = version;
  }

  /** Tells how long an edit takes at most: of a large image its mask decides which part is worked on. */
  async #tellTime(): Promise<void> {
    const { request, recipe, editSteps, spent } = this.#expected ?? {};
    const worked = recipe && workedSize(await this.#document.model());
    const step =
      request && worked && (await denseStepOf(request, { ...recipe, ...worked }).catch(() => undefined));
    const time = step && this.#services.denseSpeed.stepTime(step);
    const { equivalent } = stepsByPositions(recipe?.stepPlan, editSteps ?? 0);
    const mostSeconds = time && equivalent * time.seconds;
    this.#document.update({ mostSeconds, fullSeconds: mostSeconds && mostSeconds / spent! });
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = Preparing.#recording.then(task);
    Preparing.#recording = result.catch(() => {});
    return result;
  }
}

/** Bounds of what an edit paints, but for the margin of a removal; undefined if that is all of the image. */
function paintedIn(model: PictureModel, way: EditWay): Area | undefined {
  return way === 'mask' && model.masked && model.selected ? boundsOf(model.painted) : maskedIn(model);
}

/** Bounds of what is marked for an edit. */
function maskedIn({ masked, coloured }: Pick<PictureModel, 'masked' | 'coloured'>): Area | undefined {
  return masked ?? coloured;
}

/** The size that an edit is computed in at most; undefined for a mask that is too large for one. */
export function workedSize({
  width,
  height,
  masked,
  coloured,
}: PictureModel): { width: number; height: number } | undefined {
  const part = maskedIn({ masked, coloured });
  if (!isLarge({ width, height }) || !part) return { width, height };
  try {
    return chooseWindow({ width, height }, boxOf(part));
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
