import { randomInt, randomUUID } from 'node:crypto';
import { ProgressLocation, window } from 'vscode';
import { InputError, isAbort } from '../../engine/errors.ts';
import { encodeCoverage } from '../../engine/pictures/mask.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import type { EditProgress, EditRequest, EditResult } from '../../shared/api.ts';
import { type EditCost, type EditDraft, MOST_VARIATIONS } from '../../shared/editorProtocol.ts';
import { describeRun, formatSeconds } from '../../shared/format.ts';
import { shorten } from '../../shared/names.ts';
import { cut, type Patch, type Raster } from '../../shared/raster.ts';
import { parseSeed } from '../../shared/seed.ts';
import { editWithSettings } from '../requests.ts';
import type { Services } from '../services.ts';
import { reached } from '../walkthrough.ts';
import type { Page, Painted, PictureDocument } from './document.ts';
import { paintedOver } from './pictureModel.ts';

/** A result that is not part of the picture yet. */
interface Candidate {
  id: string;
  seed: number;
  request: EditRequest;
  /** Where it differs from what it was made from. */
  start: Raster;
  result: Raster;
  painted: Painted;
}

/** Lets the engine paint what is under a document's mask. */
export class Painting {
  readonly #services: Services;
  readonly #document: PictureDocument;
  #run: AbortController | undefined;
  #candidates: Candidate[] = [];
  /** The last edit that became part of the picture, to measure it densely. */
  #last: { request: EditRequest; cost: EditCost } | undefined;

  constructor(services: Services, document: PictureDocument) {
    this.#services = services;
    this.#document = document;
    document.onDidDispose(() => this.#run?.abort());
  }

  /** Paints the draft's edit, or several of it to pick from; errors are shown in the pages. */
  async apply(draft: EditDraft, page: Page): Promise<void> {
    await this.#exclusively(async (signal) => {
      const variations = Math.min(MOST_VARIATIONS, Math.max(1, Math.round(draft.variations)));
      const step = { stage: 'wait' as const, step: 0, steps: 0, variation: 0, variations, cancelling: false };
      this.#forget();
      this.#document.update({ run: step, failure: undefined, notice: undefined });
      const request = await this.#request(draft);
      const model = await this.#document.model();
      const start = { ...model.pixels, data: model.pixels.data.slice() };
      await this.#services.history.add(request.prompt);
      const seeds = seedsOf(draft, variations);
      page.post({ type: 'draft', draft: { seed: String(seeds[0]) } });
      try {
        for (const [variation, seed] of seeds.entries()) {
          const run = { ...step, variation };
          const result = await this.#edit({ ...request, seed }, signal, run);
          await this.#keep({ ...request, seed }, result, start);
        }
      } finally {
        const [only, ...others] = this.#candidates;
        if (only && others.length === 0) await this.#commit(only);
      }
    });
  }

  cancel(): void {
    this.#run?.abort();
    const { run } = this.#document.state;
    if (run) this.#document.update({ run: { ...run, cancelling: true } });
  }

  /** Takes one of the variations over into the picture. */
  async pick(id: string): Promise<void> {
    const candidate = this.#candidates.find((candidate) => candidate.id === id);
    if (candidate) await this.#commit(candidate);
  }

  discard(): void {
    this.#forget();
    this.#document.notice('Discarded the variations.');
  }

  /** Tells a page that has just been loaded the variations that wait. */
  tellAll(page: Page): void {
    for (const candidate of this.#candidates) {
      const patch = patchOf(candidate);
      if (patch) page.post({ type: 'variation', id: candidate.id, patch });
    }
  }

  /** Paints the last edit densely, to know how long that takes; the picture stays as it is. */
  async measure(): Promise<void> {
    const last = this.#last;
    await this.#exclusively(async (signal) => {
      const { lastPainted } = await this.#document.model();
      if (!last || lastPainted?.about?.cost !== last.cost)
        throw new InputError('Only the edit that was painted last can be measured.');
      const run = { stage: 'wait' as const, step: 0, steps: 0, cancelling: false };
      this.#document.update({
        run: { ...run, variation: 0, variations: 1 },
        measuring: true,
        notice: undefined,
      });
      const request = { ...last.request, mode: 'dense' as const, previews: false };
      const { denseSpeed } = this.#services;
      const { recipe, seconds, loadSeconds, stepSeconds } = await this.#edit(request, signal, {
        ...run,
        variation: 0,
        variations: 1,
      });
      await denseSpeed.learn(request, recipe, 'step', stepSeconds);
      const dense = {
        seconds: seconds - loadSeconds,
        basis: 'measured' as const,
        steps: stepSeconds.length,
      };
      last.cost.dense = dense;
      await this.#document.costChanged();
      this.#document.notice(`The dense edit takes ${formatSeconds(dense.seconds)}.`);
    });
  }

  /** One run at a time; whatever ends it is shown. */
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

  /** @throws InputError if the form or the mask is not as it must be */
  async #request(draft: EditDraft): Promise<EditRequest> {
    const prompt = draft.prompt.trim();
    if (!prompt) throw new InputError('Say first what should be there.');
    const model = await this.#document.model();
    if (!model.masked) throw new InputError('Mark first what should change: brush over it.');
    return editWithSettings(
      {
        prompt,
        negativePrompt: draft.negativePrompt.trim() || undefined,
        image: await this.#document.encoded(),
        mask: await encodeCoverage(model.mask.data, model.width, model.height),
        softMask: true,
        strength: draft.strength,
        steps: stepsOf(draft.steps),
        precision: draft.precision || undefined,
      },
      this.#document.uri,
    );
  }

  async #edit(
    request: EditRequest,
    signal: AbortSignal,
    run: NonNullable<PictureDocument['state']['run']>,
  ): Promise<EditResult> {
    const title = `Patchwork: “${shorten(request.prompt, 40)}”`;
    return await window.withProgress({ location: ProgressLocation.Window, title }, (progress) => {
      const onProgress = ({ preview, ...step }: EditProgress) => {
        const now = { ...run, ...step, cancelling: signal.aborted };
        progress.report({ message: describeRun(now) });
        if (preview) {
          const part = { ...preview, png: new Uint8Array(preview.png) };
          this.#document.tell({ type: 'preview', part });
        }
        this.#document.update({ run: now });
      };
      return this.#services.engine.edit(request, { signal, onProgress });
    });
  }

  /** Adds a result to those to pick from. */
  async #keep(request: EditRequest, result: EditResult, start: Raster): Promise<void> {
    const { recipe, picture, seconds } = result;
    this.#services.log.info(`${JSON.stringify(recipe)}: ${formatSeconds(seconds)}`);
    const cost = costOf(result);
    cost.dense = await this.#denseTime(request, result, cost);
    const { pixels } = await decodePicture(picture.png, 'The edited picture');
    const painted = { recipe, cost };
    const candidate: Candidate = {
      ...{ id: randomUUID(), seed: recipe.seed, request, start, painted },
      result: { ...start, data: new Uint8Array(pixels) },
    };
    this.#candidates.push(candidate);
    const patch = patchOf(candidate);
    if (patch) this.#document.tell({ type: 'variation', id: candidate.id, patch });
    this.#document.tell({ type: 'preview' });
    if ((this.#document.state.run?.variations ?? 1) > 1) this.#listCandidates();
    if (result.warnings.length > 0) this.#document.notice(result.warnings.join(' '));
  }

  /** What the same edit takes densely, from what this machine was seen to do. */
  async #denseTime(request: EditRequest, result: EditResult, cost: EditCost): Promise<EditCost['dense']> {
    const { denseSpeed } = this.#services;
    const step = await denseSpeed.learn(request, result.recipe, 'recording', result.recordSeconds);
    const time = step && denseSpeed.stepTime(step);
    if (!time) return undefined;
    // Beside the steps: the whole picture is decoded, at the same speed, and what else there is takes as long as it did.
    const stepping = result.stepSeconds.reduce((total, value) => total + value, 0);
    const others = result.seconds - result.loadSeconds - stepping;
    const autoencoder = (time.seconds * (cost.denseMacs - cost.steps * step.macs)) / step.macs;
    const seconds = cost.steps * time.seconds + Math.max(others, autoencoder);
    return { seconds, basis: time.evidence, steps: time.steps };
  }

  async #commit(candidate: Candidate): Promise<void> {
    const { request, start, result, painted } = candidate;
    const { pixels } = await this.#document.model();
    if (pixels.data.length !== start.data.length)
      throw new Error('The picture has another size now, so the edit does not fit it.');
    const patch = paintedOver(pixels, start, result);
    const label = `Paint “${shorten(painted.recipe.prompt, 40)}”`;
    this.#forget();
    this.#last = { request, cost: painted.cost };
    if (patch) await this.#document.change('pixels', label, patch, painted);
    reached('painted');
    if (!this.#document.state.notice)
      this.#document.notice(patch ? 'Painted the masked part.' : 'The edit changed no pixel.');
  }

  #forget(): void {
    this.#candidates = [];
    this.#listCandidates();
  }

  #listCandidates(): void {
    this.#document.update({ variations: this.#candidates.map(({ id, seed }) => ({ id, seed })) });
  }
}

/** The part of a candidate that it changes. */
function patchOf({ start, result }: Candidate): Patch | undefined {
  const patch = paintedOver(start, start, result);
  return patch && cut(result, patch);
}

function costOf(result: EditResult): EditCost {
  const recordSeconds = result.recordSeconds.reduce((total, value) => total + value, 0);
  return {
    prompt: result.recipe.prompt,
    seed: result.recipe.seed,
    steps: result.stepSeconds.length,
    macs: result.macs - result.recordingMacs,
    denseMacs: result.denseMacs,
    recordingMacs: result.recordingMacs,
    recordedSteps: result.recordedSteps,
    recordSeconds,
    seconds: result.seconds - result.loadSeconds - recordSeconds,
    loadSeconds: result.loadSeconds,
    activeFraction: result.activeFraction,
    computed: result.computed,
  };
}

/** @throws InputError if the seed is none */
function seedsOf({ seed: typed, seedLocked }: EditDraft, count: number): number[] {
  const given = seedLocked ? parseSeed(typed) : undefined;
  if (given === null) throw new InputError(`A seed is a whole number from 0 to 4294967295, not “${typed}”.`);
  const first = given ?? randomInt(2 ** 32);
  // Seeds in a row, so that a variation can be found again from the first.
  return Array.from({ length: count }, (_, i) => (first + i) % 2 ** 32);
}

/** @throws InputError if it is no number of steps; the engine checks its bounds. */
function stepsOf(typed: string): number | undefined {
  const trimmed = typed.trim();
  if (trimmed === '') return undefined;
  if (!/^\d{1,4}$/.test(trimmed)) throw new InputError(`Steps are a whole number, not “${typed}”.`);
  return Number(trimmed);
}
