import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, isAbort } from '../../engine/errors.ts';
import { catalogueEntry } from '../../engine/models/catalogue.ts';
import { unlessAborted } from '../../engine/unless-aborted.ts';
import type { EditProgress, EditRequest, EditResult } from '../../shared/api.ts';
import {
  type EditCost,
  type EditDraft,
  type EditorState,
  type EditRun,
  MOST_VARIATIONS,
  NO_EXTENSION,
  needsMask,
} from '../../shared/editorProtocol.ts';
import { formatSeconds } from '../../shared/format.ts';
import { totalRemaining } from '../../shared/jobs.ts';
import { shorten } from '../../shared/names.ts';
import { blankRaster, cut, difference, type Patch, type Raster, sameArea } from '../../shared/raster.ts';
import { coalesced } from '../coalesced.ts';
import { offerOf } from '../models/offer.ts';
import { editKind } from '../queue/editPace.ts';
import type { JobOptions } from '../queue/engineQueue.ts';
import type { Expected } from '../queue/remaining.ts';
import type { Services } from '../services.ts';
import { reached } from '../walkthrough.ts';
import { controlOf, fileOf } from './controlLayer.ts';
import { costOf, fullRecomputeTime } from './cost.ts';
import type { PictureDocument } from './document.ts';
import { seedsOf } from './draft.ts';
import { editRequest } from './editRequest.ts';
import { outcomeOf } from './outcome.ts';
import type { Page } from './pages.ts';
import type { Painted } from './painted.ts';
import type { Painting as Result } from './pictureModel.ts';
import { workedSize } from './preparing.ts';

/** Milliseconds until progress is shown: small edits are done before. */
const DELAY = 200;

/** A result that is not part of the picture yet. */
interface Candidate {
  id: string;
  seed: number;
  request: EditRequest;
  result: Result<Painted>;
  /** Sentences for the user. */
  warnings: string[];
  missingTwin: string | undefined;
}

/** Edits a document's picture with the engine. */
export class Painting {
  readonly #services: Services;
  readonly #document: PictureDocument;
  #run: AbortController | undefined;
  #candidates: Candidate[] = [];
  /** The variation that was picked while others were still to come. */
  #picked: Candidate | undefined;
  /** The last edit that became part of the picture, to measure it densely. */
  #last: { request: EditRequest; cost: EditCost } | undefined;
  /** The inpainting model that was offered. */
  #offered: string | undefined;

  constructor(services: Services, document: PictureDocument) {
    this.#services = services;
    this.#document = document;
    document.onDidDispose(() => this.#run?.abort());
  }

  /**
   * Paints the draft's edit, or several of it to pick from; errors are shown in the pages.
   * @param given.after changes of the image and its mask that come first
   * @param given.replaces the edit that this one replaces
   */
  async apply(
    draft: EditDraft,
    page: Page,
    { after, replaces }: { after?: Promise<void>; replaces?: string } = {},
  ): Promise<void> {
    await this.#exclusively(async (signal) => {
      const variations = variationsOf(draft);
      const step = { stage: 'wait' as const, step: 0, steps: 0, variation: 0, variations, cancelling: false };
      this.#forget();
      this.#document.update({ run: step, failure: undefined, notice: undefined, offer: undefined });
      if (after) await unlessAborted(after, signal);
      const start = await this.#document.canvas(replaces);
      const layer = await controlOf(this.#services, this.#document, draft);
      const request = await editRequest(this.#services, this.#document, draft, { start, layer });
      const worked = workedSize(await this.#document.model());
      const { editPace } = this.#services;
      const control = layer
        ? { ...layer.row, picture: await this.#services.kept.keep(await fileOf(layer), 'The control layer') }
        : { ...draft.control, picture: '' };
      const colours = request.colours as Raster | undefined;
      const taken = needsMask(draft.way) || colours ? await this.#document.takeMask() : undefined;
      const blank = { mask: blankRaster(start.raster.width, start.raster.height, 1), objects: undefined };
      const masked = needsMask(draft.way) && taken ? taken : blank;
      if (request.prompt) await this.#services.history.add(request.prompt);
      const kind = editKind(request, this.#document.state.prepared ?? false, worked ?? start.raster);
      const seeds = seedsOf(draft, variations);
      page.post({ type: 'draft', draft: { seed: String(seeds[0]) } });
      try {
        for (const [variation, seed] of seeds.entries()) {
          const asked = { ...request, seed };
          const expected = editPace.like(kind, this.#document.state.mostSeconds);
          const result = await this.#edit(asked, signal, { ...step, variation }, expected);
          await editPace.note(kind, result);
          // Cancelling may have come with the result.
          await sleep(0);
          signal.throwIfAborted();
          const { extend: extension } = asked;
          const used = { ...draft, control };
          await this.#keep(asked, result, { start, extension, ...masked, colours, replaces, draft: used });
        }
      } catch (error) {
        if (!this.#picked || !isAbort(error)) throw error;
      } finally {
        const [only, ...others] = this.#candidates;
        const chosen = this.#picked ?? (others.length === 0 ? only : undefined);
        if (chosen) await this.#commit(chosen);
        else if (!only) this.#document.releaseMask();
      }
    });
  }

  /** Paints an edit once more, with its own mask and form and another seed, in place of itself. */
  async again(id: string, page: Page): Promise<void> {
    if (this.#run) return;
    try {
      const { about } = await this.#document.edit(id);
      if (!about) throw new InputError('Only edits that were painted can be run again.');
      const draft = { ...about.draft, seed: '', seedLocked: false, variations: 1 };
      await this.#document.reselect(id);
      await this.restoreControl(draft);
      page.post({ type: 'draft', draft });
      await this.apply(draft, page, { replaces: id });
    } catch (error) {
      this.#document.fail(error);
    }
  }

  /** Brings back the control layer that an edit was painted with; an edit without one leaves it alone. */
  async restoreControl({ control: { picture } }: EditDraft): Promise<void> {
    if (!picture) return;
    const kept = { name: 'The sketch', bytes: await this.#services.kept.bytes(picture) };
    await this.#document.useAsControl('Bring Back Sketch', kept);
  }

  cancel(): void {
    this.#run?.abort();
    const { run } = this.#document.state;
    if (run) this.#document.update({ run: { ...run, cancelling: true } });
  }

  /** Puts one of the variations into the image, with the others that are there; those to come are not painted. */
  async pick(id: string): Promise<void> {
    const candidate = this.#candidates.find((candidate) => candidate.id === id);
    if (!candidate) return;
    if (!this.#run) return await this.#commit(candidate);
    this.#picked = candidate;
    this.#run.abort();
  }

  discard(): void {
    this.#forget();
    this.#document.releaseMask();
    this.#document.notice('Discarded the variations.');
  }

  /** Sends pending variations to a page that has just been loaded. */
  tellAll(page: Page): void {
    for (const { id, result } of this.#candidates) {
      const patch = patchOf(result);
      if (patch) page.post({ type: 'variation', id, patch });
    }
  }

  /** Computes the last edit in full, to know how long that takes; the picture stays as it is. */
  async measure(): Promise<void> {
    const last = this.#last;
    await this.#exclusively(async (signal) => {
      const { lastPainted } = await this.#document.model();
      if (!last || lastPainted?.about?.cost !== last.cost)
        throw new InputError('Only the last edit since the image was opened can be timed.');
      const step = { stage: 'wait' as const, step: 0, steps: 0, cancelling: false };
      const run = { ...step, variation: 0, variations: 1 };
      this.#document.update({ run, measuring: true, notice: undefined });
      const request = { ...last.request, mode: 'dense' as const, previews: false };
      const { recipe, seconds, loadSeconds, stepSeconds } = await this.#edit(request, signal, run);
      await this.#services.denseSpeed.learn(request, recipe, stepSeconds);
      const dense = { seconds: seconds - loadSeconds, measured: true };
      last.cost.dense = dense;
      await this.#document.costChanged();
      this.#document.notice(`A full recompute takes ${formatSeconds(dense.seconds)}.`);
    });
  }

  /** One run at a time. Errors are shown. */
  async #exclusively(task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#run) return;
    this.#run = new AbortController();
    try {
      await task(this.#run.signal);
    } catch (error) {
      if (isAbort(error)) this.#document.notice('Cancelled.');
      else this.#document.fail(error);
    } finally {
      this.#run = undefined;
      this.#document.tell({ type: 'preview' });
      this.#document.update({ run: undefined, measuring: false });
    }
  }

  async #edit(
    request: EditRequest,
    signal: AbortSignal,
    run: EditRun,
    expected?: Expected,
  ): Promise<EditResult> {
    const { engine, queue } = this.#services;
    const id = randomUUID();
    let latest: Partial<EditProgress> = {};
    const show = coalesced(() => {
      const { remaining, stageRemaining } = queue.jobs.find((job) => job.id === id)?.run ?? {};
      this.#document.update({
        run: { ...run, ...latest, remaining, stageRemaining, cancelling: signal.aborted },
      });
    }, DELAY);
    const onProgress = ({ preview, ...step }: EditProgress) => {
      latest = step;
      if (preview) this.#preview(preview, request);
      show();
    };
    const options: JobOptions<EditProgress> = {
      signal,
      onProgress,
      id,
      title: request.prompt || titleOf(request),
      expected,
    };
    const stopWatching = queue.onDidChange(() => {
      const ahead = queue.jobs.findIndex((job) => job.id === id);
      if (ahead <= 0 || this.#document.state.run?.stage !== 'wait') return;
      const remaining = totalRemaining(queue.jobs.slice(0, ahead));
      this.#document.update({ run: { ...run, ahead, remaining, cancelling: signal.aborted } });
    });
    try {
      return await engine.edit(request, options);
    } finally {
      stopWatching();
      show.cancel();
    }
  }

  /** Shows the part of a preview in the image as it is now. */
  #preview({ png, ...area }: NonNullable<EditProgress['preview']>, { extend }: EditRequest): void {
    const { left = 0, top = 0 } = extend ?? {};
    const place = { left: area.left - left, top: area.top - top };
    this.#document.tell({ type: 'preview', part: { ...area, ...place, png: new Uint8Array(png) } });
  }

  /** Adds a result to the variations. */
  async #keep(
    request: EditRequest,
    result: EditResult,
    {
      draft,
      ...made
    }: Pick<Result<Painted>, 'start' | 'extension' | 'mask' | 'objects' | 'colours' | 'replaces'> & {
      draft: EditDraft;
    },
  ): Promise<void> {
    const { recipe, pixels, seconds } = result;
    this.#services.log.info(`${JSON.stringify(recipe)}: ${formatSeconds(seconds)}`);
    const cost = costOf(result);
    cost.dense = await fullRecomputeTime(this.#services.denseSpeed, request, result);
    if (!pixels) throw new Error('the engine gave no pixels');
    const about = { recipe, cost, draft: { ...draft, seed: String(recipe.seed) } };
    const label = titleOf(request);
    const candidate: Candidate = {
      id: randomUUID(),
      seed: recipe.seed,
      request,
      warnings: result.warnings,
      missingTwin: result.missingTwin,
      result: { ...made, label, about, result: pixels },
    };
    this.#candidates.push(candidate);
    const patch = patchOf(candidate.result);
    if (patch) this.#document.tell({ type: 'variation', id: candidate.id, patch });
    this.#document.tell({ type: 'preview' });
    if ((this.#document.state.run?.variations ?? 1) > 1) this.#listCandidates();
  }

  async #commit(candidate: Candidate): Promise<void> {
    const { request, result, warnings, missingTwin } = candidate;
    const model = await this.#document.model();
    const others = this.#candidates.filter((other) => other !== candidate).map((other) => other.result);
    this.#forget();
    const fits = sameArea(model.frameWithout(result.replaces), result.start.frame);
    const changed = fits && (await this.#document.paint({ ...result, others }));
    this.#document.releaseMask();
    if (!fits) throw new Error('The image has another size now, so the edit does not fit it.');
    this.#last = { request, cost: result.about.cost };
    if (result.extension) this.#document.tell({ type: 'draft', draft: { extension: NO_EXTENSION } });
    reached('painted');
    const { recipe } = result.about;
    const { words } = this.#document.state;
    const offer = this.#offer(missingTwin);
    const said = { changed, warnings, model: recipe.model, prompt: request.prompt, words };
    this.#document.notice(outcomeOf({ ...said, missingTwin, offered: offer !== undefined }), offer);
  }

  /** Offers an inpainting model, once. */
  #offer(missing: string | undefined): EditorState['offer'] {
    const entry = missing && missing !== this.#offered ? catalogueEntry(missing) : undefined;
    this.#offered = missing;
    return entry && offerOf(entry);
  }

  #forget(): void {
    this.#candidates = [];
    this.#picked = undefined;
    this.#listCandidates();
  }

  #listCandidates(): void {
    this.#document.update({ variations: this.#candidates.map(({ id, seed }) => ({ id, seed })) });
  }
}

/** Seeds that are tried. A result with a larger canvas cannot be previewed. */
function variationsOf({ way, variations }: EditDraft): number {
  return way === 'extend' ? 1 : Math.min(MOST_VARIATIONS, Math.max(1, Math.round(variations)));
}

/** Title of an edit in the undo menu, the list of edits and the queue. */
function titleOf({ prompt, remove, extend, mask, colours }: EditRequest): string {
  if (remove) return 'Remove';
  const what = extend ? 'Extend' : mask || colours ? 'Paint' : 'Repaint All';
  return `${what} “${shorten(prompt, 40)}”`;
}

/** The part of the canvas that a result changes; undefined for a result with a larger canvas. */
function patchOf({ start, result, extension }: Result<Painted>): Patch | undefined {
  const area = extension ? undefined : difference(start.raster, result);
  return area && cut(result, area);
}
