import type {
  CallOptions,
  DescribeRequest,
  DescribeResult,
  Encoding,
  FindObjectsProgress,
  FindObjectsRequest,
  FindObjectsResult,
  SegmentRequest,
  SegmentResult,
  SightResult,
} from '../../../shared/api.ts';
import type { Backend } from '../../execution/backend.ts';
import { listen } from '../../execution/denoise.ts';
import { CATALOGUE } from '../../models/catalogue.ts';
import { changesBetween } from './changes.ts';
import { objectInput, wholeInput } from './crop.ts';
import { fitted } from './frame.ts';
import { normalizedPlanes, type Pixels, resizePicture } from './input.ts';
import { objectMask, SURE } from './object-mask.ts';
import { embeddedSight, openSegmenter } from './open.ts';
import { type EncodedView, type KnownPicture, PictureMemory } from './picture-memory.ts';
import { isAmbiguous, promptFor } from './prompt.ts';
import { searchObjects } from './search.ts';
import type { Decoded, ImageEmbedding, ScoredLogits, Segmenter } from './segmenter.ts';
import { Tagger } from './tagger.ts';
import { isOutlandish, labelsOf, namesOf, promptOf } from './words.ts';

const MOST_MASKS = 3;
const DEFAULT_GRID = 12;
/** The smallest segmenter for photographs. */
const SELECTOR = CATALOGUE.find(({ purpose }) => purpose === 'selection')!;

/** Looks at pictures: keeps the networks of the last calls, and the pictures that were looked at last. */
export class Sight {
  readonly #backend: Backend;
  readonly #pictures = new PictureMemory();
  readonly #segmenter = new Kept<Segmenter>();
  readonly #tagger = new Kept<Tagger>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async segment(request: SegmentRequest, { signal }: CallOptions<never> = {}): Promise<SegmentResult> {
    const call = new Call();
    const picture = await this.#pictures.get(request.image);
    const segmenter = await this.#openSegmenter(request, call);
    await listen(signal);
    const asked = { points: request.points ?? [], box: request.box, refine: request.refine };
    const wanted = asked.points.length > 0 || asked.box !== undefined;
    // Before anything is computed for it.
    const prompt = wanted ? promptFor(asked, picture, segmenter.frame) : undefined;
    const { view, encoding, encodeSeconds } = await this.#encode(picture, segmenter, call);
    await listen(signal);
    const result = { encoding, encodeSeconds, masks: [], sure: true };
    if (!prompt) return { ...call.result(picture), ...result };
    const decoded = await segmenter.decode(view.embedding, prompt);
    call.macs += decoded.macs;
    const best = ranked(decoded, isAmbiguous(asked)).slice(0, request.most ?? MOST_MASKS);
    const masks = await Promise.all(
      best.map((scored) => objectMask(scored, segmenter, picture, { ...request, prompt })),
    );
    const sure = masks[0] !== undefined && masks[0].area > 0 && masks[0].score >= SURE;
    if (!sure) call.warnings.push(`Low confidence in this mask. ${advice(request)}`);
    return { ...call.result(picture), ...result, masks, sure };
  }

  async findObjects(
    request: FindObjectsRequest,
    options: CallOptions<FindObjectsProgress> = {},
  ): Promise<FindObjectsResult> {
    const call = new Call();
    const picture = await this.#pictures.get(request.image);
    const segmenter = await this.#openSegmenter(request, call);
    const { view } = await this.#encode(picture, segmenter, call);
    const grid = request.grid ?? DEFAULT_GRID;
    const { found, macs } = await searchObjects(segmenter, view.embedding, picture, { ...options, grid });
    call.macs += macs;
    const objects = await Promise.all(found.map((scored) => objectMask(scored, segmenter, picture, request)));
    if (objects.length === 0) call.warnings.push(`No objects were found. ${advice(request)}`);
    return { ...call.result(picture), objects };
  }

  async describe(request: DescribeRequest, { signal }: CallOptions<never> = {}): Promise<DescribeResult> {
    const call = new Call();
    const picture = await this.#pictures.get(request.image);
    const said = request.mask ? undefined : promptIn(picture);
    if (said) return { ...call.result(picture), prompt: said, sure: true, source: 'recipe', labels: [] };
    const threads = request.threads || this.#backend.threads;
    const folder = embeddedSight('tagger');
    const tagger = await call.loading(
      this.#tagger.get(`${folder} ${threads}`, () => Tagger.open(folder, this.#backend, threads)),
    );
    await listen(signal);
    const { mask } = request;
    const { pixels } = picture;
    const input = mask
      ? await objectInput(pixels, mask, tagger.input)
      : await wholeInput(pixels, tagger.input);
    const graded = await tagger.grade(input);
    call.macs += tagger.macs;
    const unlike = !mask && isOutlandish(graded);
    if (unlike)
      call.warnings.push(
        'Low confidence: this does not look like a Scenes drawing, the only kind of image the tagger knows.',
      );
    const labels = mask ? namesOf(graded) : labelsOf(graded);
    const prompt = mask ? (labels[0]?.phrase ?? '') : promptOf(labels);
    return { ...call.result(picture), prompt, sure: prompt !== '' && !unlike, source: 'image', labels };
  }

  async release(): Promise<void> {
    this.#pictures.clear();
    await this.#segmenter.release();
    await this.#tagger.release();
  }

  #openSegmenter(
    request: Pick<SegmentRequest, 'model' | 'threads' | 'precision'>,
    call: Call,
  ): Promise<Segmenter> {
    const threads = request.threads || this.#backend.threads;
    const { model, precision } = request;
    const open = () => openSegmenter(model, this.#backend, threads, precision);
    return call.loading(this.#segmenter.get(`${model ?? ''} ${threads} ${precision ?? ''}`, open));
  }

  /** The picture as the segmenter sees it, encoded by this call or an earlier one. */
  async #encode(
    picture: KnownPicture,
    segmenter: Segmenter,
    call: Call,
  ): Promise<{ view: EncodedView; encoding: Encoding; encodeSeconds: number }> {
    const kept = picture.views.get(segmenter.id);
    if (kept) return { view: kept, encoding: 'kept', encodeSeconds: 0 };
    const start = performance.now();
    const size = fitted(picture, segmenter.input.size);
    const { pixels } = picture;
    const input = await resizePicture({ ...pixels, pixels: pixels.data }, size);
    const planes = normalizedPlanes(input, segmenter.input);
    const part = await this.#encodePart(picture, segmenter, input, planes);
    const embedding = part ?? (await segmenter.encode(planes));
    const view = { input, embedding };
    picture.views.set(segmenter.id, view);
    call.macs += embedding.macs;
    const encodeSeconds = (performance.now() - start) / 1000;
    return { view, encoding: part ? 'part' : 'whole', encodeSeconds };
  }

  /** Encodes only what has changed since a picture that was encoded before, as after an edit. */
  async #encodePart(
    picture: KnownPicture,
    segmenter: Segmenter,
    input: Pixels,
    planes: Float32Array,
  ): Promise<ImageEmbedding | undefined> {
    for (const other of this.#pictures.others(picture)) {
      const known = other.views.get(segmenter.id);
      if (!known?.embedding.record) continue;
      const changed = changesBetween(known.input, input);
      if (changed) return segmenter.encodeAgain?.(planes, known.embedding, changed);
    }
    return undefined;
  }
}

/** The prompt that a whole picture was generated from; an edit's says only what was painted. */
function promptIn({ recipe }: KnownPicture): string | undefined {
  return recipe && recipe.strength === undefined ? recipe.prompt.trim() || undefined : undefined;
}

/** What to do if a segmenter finds nothing. */
function advice({ model }: { model?: string }): string {
  return model === undefined
    ? `The built-in selector is trained on Scenes drawings; for photos, install ${SELECTOR.about.split(':')[0]} (${Math.round(SELECTOR.bytes / 1e6)} MB).`
    : 'More points or a box may help.';
}

/** The best first. A single mask is trained for unambiguous prompts. */
function ranked({ single, candidates }: Decoded, ambiguous: boolean): ScoredLogits[] {
  const sorted = [...candidates].sort((a, b) => b.score - a.score);
  return single && !ambiguous ? [single, ...sorted] : sorted;
}

/** What one call has cost so far. */
class Call {
  readonly #start = performance.now();
  #loadSeconds = 0;
  readonly warnings: string[] = [];
  macs = 0;

  async loading<T>(value: Promise<T>): Promise<T> {
    const start = performance.now();
    const loaded = await value;
    this.#loadSeconds += (performance.now() - start) / 1000;
    return loaded;
  }

  result({ id, width, height }: KnownPicture): SightResult {
    const seconds = (performance.now() - this.#start) / 1000;
    const { macs, warnings } = this;
    return { picture: id, width, height, macs, seconds, loadSeconds: this.#loadSeconds, warnings };
  }
}

/** The network that was used last. */
class Kept<T extends { release(): Promise<void> }> {
  #kept: { key: string; value: T } | undefined;

  async get(key: string, open: () => Promise<T>): Promise<T> {
    if (this.#kept?.key === key) return this.#kept.value;
    await this.release();
    const value = await open();
    this.#kept = { key, value };
    return value;
  }

  async release(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    await kept?.value.release();
  }
}
