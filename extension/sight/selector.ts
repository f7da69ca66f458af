/**
 * Which segmenter turns clicks into masks: the built-in one, or an installed EfficientViT-SAM if the image is unlike the
 * drawings that the built-in one knows, or it is not sure.
 */
import path from 'node:path';
import { hubEnvironment } from '#host';
import { CATALOGUE } from '../../engine/models/catalogue.ts';
import { hubFolder } from '../../engine/models/installed.ts';
import type {
  CallOptions,
  Engine,
  FindObjectsProgress,
  FindObjectsRequest,
  FindObjectsResult,
  SegmentRequest,
  SegmentResult,
} from '../../shared/api.ts';
import { offerOf } from '../models/offer.ts';

/** From the smallest to the largest. */
const SELECTORS = CATALOGUE.filter(({ purpose }) => purpose === 'selection');

/** The encoder's file of the largest EfficientViT-SAM that is on this machine. */
async function installedSelector(): Promise<string | undefined> {
  const cache = hubEnvironment.cache();
  for (const { id, files } of SELECTORS.toReversed()) {
    const here = await hubFolder(id, { cache });
    if (here) return path.join(here.folder, files![0]!);
  }
  return undefined;
}

/** The smallest EfficientViT-SAM, offered if the built-in segmenter is not sure. */
export function selectorOffer(): ReturnType<typeof offerOf> {
  return offerOf(SELECTORS[0]!);
}

/** Selects in one image. Once the installed segmenter was used, it stays. */
export class Selector {
  readonly #engine: Engine;
  readonly #installed: () => Promise<string | undefined>;
  #model: string | undefined;
  /** Whether the image is one for the installed segmenter was asked. */
  #chosen: Promise<void> | undefined;

  constructor(engine: Engine, installed: () => Promise<string | undefined> = installedSelector) {
    this.#engine = engine;
    this.#installed = installed;
  }

  /** The built-in segmenter is used. */
  get isBuiltIn(): boolean {
    return this.#model === undefined;
  }

  /** Has an image encoded by the segmenter that a click would ask, behind all other work. */
  async encode(image: Uint8Array, options?: CallOptions<never>): Promise<void> {
    const model = await this.#choose(image);
    await this.#engine.segment({ image, ...(model && { model }) }, options);
  }

  segment(request: Omit<SegmentRequest, 'model'>, options?: CallOptions<never>): Promise<SegmentResult> {
    return this.#sure(
      request.image,
      (model) => this.#engine.segment({ ...request, model }, options),
      ({ sure }) => sure,
    );
  }

  findObjects(
    request: Omit<FindObjectsRequest, 'model'>,
    options?: CallOptions<FindObjectsProgress>,
  ): Promise<FindObjectsResult> {
    return this.#sure(
      request.image,
      (model) => this.#engine.findObjects({ ...request, model }, options),
      ({ objects }) => objects.length > 0,
    );
  }

  /** The segmenter to ask first. */
  async #choose(image: Uint8Array | string): Promise<string | undefined> {
    this.#chosen ??= this.#chooseFor(image);
    await this.#chosen;
    return this.#model;
  }

  async #chooseFor(image: Uint8Array | string): Promise<void> {
    const installed = await this.#installed().catch(() => undefined);
    if (!installed) return;
    // Without an answer, the built-in one tells with each click whether it is sure.
    const described = await this.#engine.describe({ image }).catch(() => undefined);
    if (described && !described.sure) this.#model = installed;
  }

  async #sure<Result>(
    image: Uint8Array | string,
    ask: (model: string | undefined) => Promise<Result>,
    isSure: (result: Result) => boolean,
  ): Promise<Result> {
    const result = await ask(await this.#choose(image));
    if (this.#model || isSure(result)) return result;
    this.#model = await this.#installed();
    return this.#model ? await ask(this.#model) : result;
  }
}
