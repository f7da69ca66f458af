/**
 * Which segmenter turns clicks into masks: the built-in one, or an installed EfficientViT-SAM if the built-in one is
 * not sure.
 */
import path from 'node:path';
import { hubSettings } from '../../engine/hub/settings.ts';
import { CATALOGUE } from '../../engine/models/catalogue.ts';
import { installedModels } from '../../engine/models/installed.ts';
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

/** The encoder's file of the largest EfficientViT-SAM that is on this machine. */
async function installedSelector(): Promise<string | undefined> {
  const installed = new Map(
    (await installedModels(await hubSettings())).map(({ id, folder }) => [id, folder]),
  );
  const best = CATALOGUE.findLast(({ id, files }) => files && installed.has(id));
  const [encoder] = best?.purpose === 'selection' ? (best.files ?? []) : [];
  return encoder && path.join(installed.get(best!.id)!, encoder);
}

/** The smallest EfficientViT-SAM, offered if the built-in segmenter is not sure. */
export function selectorOffer(): ReturnType<typeof offerOf> {
  return offerOf(CATALOGUE.find(({ purpose }) => purpose === 'selection')!);
}

/** Selects in one image. Once the built-in segmenter was not sure, the installed one is used. */
export class Selector {
  readonly #engine: Engine;
  readonly #installed: () => Promise<string | undefined>;
  #model: string | undefined;

  constructor(engine: Engine, installed: () => Promise<string | undefined> = installedSelector) {
    this.#engine = engine;
    this.#installed = installed;
  }

  /** The built-in segmenter is used. */
  get isBuiltIn(): boolean {
    return this.#model === undefined;
  }

  segment(request: Omit<SegmentRequest, 'model'>, options?: CallOptions<never>): Promise<SegmentResult> {
    return this.#sure(
      (model) => this.#engine.segment({ ...request, model }, options),
      ({ sure }) => sure,
    );
  }

  findObjects(
    request: Omit<FindObjectsRequest, 'model'>,
    options?: CallOptions<FindObjectsProgress>,
  ): Promise<FindObjectsResult> {
    return this.#sure(
      (model) => this.#engine.findObjects({ ...request, model }, options),
      ({ objects }) => objects.length > 0,
    );
  }

  async #sure<Result>(
    ask: (model: string | undefined) => Promise<Result>,
    isSure: (result: Result) => boolean,
  ): Promise<Result> {
    const result = await ask(this.#model);
    if (this.#model || isSure(result)) return result;
    this.#model = await this.#installed();
    return this.#model ? await ask(this.#model) : result;
  }
}
