import type { Arithmetic } from '../../shared/api.ts';
import type { Coded } from '../execution/crops/region-autoencoder.ts';
import type { PictureWindow } from '../pictures/window.ts';
import type { FeatureStore } from '../regions/store.ts';
import type { ReadyModel } from './ready-model.ts';
import type { Process } from './recorder.ts';

/** A picture that has been studied: all that later edits of it need beside its recorded features. */
export interface Studied {
  window: PictureWindow;
  process: Process;
  /** Of the whole picture, where the autoencoder needs a record to decode a part. */
  decoded: Coded | undefined;
  /** Of the whole picture, where the model sees the picture without what is masked. */
  encoded?: Coded;
}

/** What the engine remembers between calls. Images are identified by their pixels. */
export interface EditMemory {
  features: FeatureStore;
  studies: Map<string, Studied>;
}

/** Largest number of images whose latents are remembered. */
const MAX_STUDIES = 8;

/** Whose features these are: a model, computed in one way, steered by the same pictures. */
export function featuresOwner(
  { model, controls, references }: Pick<ReadyModel, 'model' | 'controls' | 'references'>,
  { precision, attention = 'full' }: Arithmetic,
): string {
  const steered = [controls, references].flatMap((pictures) => (pictures ? [pictures.key] : []));
  return [model.id, precision, attention, ...steered].join(' ');
}

/** What is known of a picture, given as the window's planes, for an owner and a batch (2 with guidance). */
export async function findStudy(
  memory: EditMemory,
  owner: string,
  planes: Float32Array,
  window: PictureWindow,
  batch: number,
): Promise<Studied | undefined> {
  const { studies } = memory;
  const key = await keyOf(owner, planes, window, batch);
  const known = studies.get(key);
  if (!known) return undefined;
  studies.delete(key);
  studies.set(key, known);
  return known;
}

/** Remembers a picture; the one that was used longest ago is forgotten, with its features. */
export async function keepStudy(
  { studies, features }: EditMemory,
  owner: string,
  planes: Float32Array,
  batch: number,
  studied: Studied,
): Promise<void> {
  const key = await keyOf(owner, planes, studied.window, batch);
  const replaced = studies.get(key);
  if (replaced) features.drop(replaced.process.id);
  studies.delete(key);
  studies.set(key, studied);
  for (const [oldest, { process }] of studies) {
    if (studies.size <= MAX_STUDIES) break;
    studies.delete(oldest);
    features.drop(process.id);
  }
}

/** Seed of an image's own noise: the same for the same pixels. */
export async function seedOf(planes: Float32Array): Promise<number> {
  return new DataView(await digestOf(planes)).getUint32(0);
}

async function keyOf(
  owner: string,
  planes: Float32Array,
  { width, height }: PictureWindow,
  batch: number,
): Promise<string> {
  const digest = new Uint8Array(await digestOf(planes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [owner, hex, `${width}x${height}`, batch].join(' ');
}

function digestOf(planes: Float32Array): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', planes as Float32Array<ArrayBuffer>);
}
