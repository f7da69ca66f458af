/** Files that are added to a model, on both sides of a bus: named by their content, never by their places. */
import path from 'node:path';
import type { ModelAdditions } from '../../engine/models/additions.ts';
import { controlHash, loraHash, referenceHash } from '../../engine/models/content-hash.ts';
import { isControlNet, openControlModel } from '../../engine/models/control-model.ts';
import { EMBEDDED_CONTROL } from '../../engine/models/embedded.ts';
import { loraFile } from '../../engine/models/open.ts';
import { openReferenceAdapter } from '../../engine/models/reference-model.ts';
import type { T2IAdapterConfig } from '../../engine/networks/t2i-adapter.ts';
import { openAdapter } from '../../engine/weights/lora.ts';
import { ModelChangedError } from './announced.ts';
import type { SentAdditions } from './wire.ts';

/**
 * What workers of other machines need to know of a model's additions, and the names of the files that they must have,
 * by content hash. A T2I-Adapter is none of them: it is computed once, here.
 */
export async function sentAdditions({
  loras = [],
  controls = [],
  references,
  regions = 0,
}: ModelAdditions): Promise<{ sent: SentAdditions | undefined; names: ReadonlyMap<string, string> }> {
  const names = new Map<string, string>();
  const named = (hash: string, place: string) => {
    names.set(hash, path.basename(place));
    return hash;
  };
  const sent: SentAdditions = { loras: [], controls: [], features: 0, ...(regions > 0 && { regions }) };
  for (const { lora, strength } of loras)
    sent.loras.push({ hash: named(await loraHash(await loraFile(lora)), lora), strength });
  for (const place of controls) {
    const model = await openControlModel(place);
    if (isControlNet(model)) sent.controls.push(named(await controlHash(model), place));
    else sent.features = Math.max(sent.features, (model.config as T2IAdapterConfig).channels.length);
  }
  if (references) {
    const { model, groups } = references;
    sent.references = { hash: named(await referenceHash(model), model), groups: [...groups] };
  }
  const isNone = names.size === 0 && sent.features === 0 && regions === 0;
  return { sent: isNone ? undefined : sent, names };
}

/** Places of files that a worker adds to its models when it is asked to. */
export interface AddedPlaces {
  loras?: readonly string[];
  controls?: readonly string[];
  references?: readonly string[];
}

/** The files that a worker has announced, by content hash. */
export class AddedFiles {
  readonly #files: ReadonlyMap<string, AddedFile>;

  private constructor(files: ReadonlyMap<string, AddedFile>) {
    this.#files = files;
  }

  /**
   * The files that a worker names, and the ControlNet that every installation has.
   * @throws InputError for a file that is not what it is named as
   */
  static async open({ loras = [], controls = [], references = [] }: AddedPlaces): Promise<AddedFiles> {
    const files: AddedFile[] = [
      ...(await Promise.all(loras.map(loraFile))).map((place) => ({ place, hash: loraHashAt })),
      ...[EMBEDDED_CONTROL, ...controls].map((place) => ({ place, hash: controlHashAt })),
      ...references.map((place) => ({ place, hash: referenceHashAt })),
    ];
    const hashed = files.map(async (file) => [await file.hash(file.place), file] as const);
    return new AddedFiles(new Map(await Promise.all(hashed)));
  }

  get hashes(): string[] {
    return [...this.#files.keys()];
  }

  /**
   * What a job adds to its model, by places on this machine.
   * @throws Error if a file is not here, ModelChangedError if it has changed since it was announced
   */
  async placesOf({ loras, controls, features, references, regions }: SentAdditions): Promise<ModelAdditions> {
    const all = [...loras.map(({ hash }) => hash), ...controls, ...(references ? [references.hash] : [])];
    const places = new Map<string, string>();
    for (const hash of all) places.set(hash, await this.#placeOf(hash));
    return {
      loras: loras.map(({ hash, strength }) => ({ lora: places.get(hash)!, strength })),
      controls: controls.map((hash) => places.get(hash)!),
      features,
      ...(regions && { regions }),
      ...(references && {
        references: { model: places.get(references.hash)!, groups: references.groups },
      }),
    };
  }

  async #placeOf(hash: string): Promise<string> {
    const file = this.#files.get(hash);
    if (!file) throw new Error('this worker does not have a file that the image needs');
    if ((await file.hash(file.place)) === hash) return file.place;
    throw new ModelChangedError(
      `${path.basename(file.place)} has changed since this worker started; start the worker again`,
    );
  }
}

interface AddedFile {
  place: string;
  /** The hash of its content, as it is now. */
  hash: (place: string) => Promise<string>;
}

/** @throws InputError for a file that is no LoRA */
async function loraHashAt(file: string): Promise<string> {
  await openAdapter(file, 1);
  return loraHash(file);
}

async function controlHashAt(place: string): Promise<string> {
  return controlHash(await openControlModel(place));
}

/** @throws InputError for a file that is no IP-Adapter */
async function referenceHashAt(file: string): Promise<string> {
  await openReferenceAdapter(file);
  return referenceHash(file);
}
