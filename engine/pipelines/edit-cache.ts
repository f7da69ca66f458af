import type { Arithmetic } from '../../shared/api.ts';
import type { Coded } from '../execution/crops/region-autoencoder.ts';
import type { PictureWindow } from '../pictures/window.ts';
import type { FeatureStore } from '../regions/store.ts';
import type { ReadyModel } from './ready-model.ts';
import type { Trajectory } from './recorder.ts';

/** What later edits of an image need, besides its recorded features. */
export interface Analysis {
  window: PictureWindow;
  trajectory: Trajectory;
  /** The decoded picture, if the autoencoder needs a record to decode a part. */
  decoded: Coded | undefined;
  /** The encoded picture, if the model sees the picture without what is masked. */
  encoded?: Coded;
}

/** What the engine remembers of images between calls. Images are identified by their pixels. */
export interface EditCache {
  features: FeatureStore;
  analyses: Map<string, Analysis>;
}

/** Largest number of images that are remembered. */
const MAX_ANALYSES = 8;

/** The owner of features: a model, computed in one way, steered by the same pictures. */
export function featuresOwner(
  { model, controls, references, images }: Pick<ReadyModel, 'model' | 'controls' | 'references' | 'images'>,
  { precision, attention = 'full' }: Arithmetic,
): string {
  const steered = [controls, references, images].flatMap((pictures) => (pictures ? [pictures.key] : []));
  return [model.recordedId, precision, attention, ...steered].join(' ');
}

/** The analysis of an image, given as the window's planes, for an owner and a batch (2 with guidance). */
export async function findAnalysis(
  memory: EditCache,
  owner: string,
  planes: Float32Array,
  window: PictureWindow,
  batch: number,
): Promise<Analysis | undefined> {
  const { analyses } = memory;
  const key = await keyOf(owner, planes, window, batch);
  const known = analyses.get(key);
  if (!known) return undefined;
  analyses.delete(key);
  analyses.set(key, known);
  return known;
}

/** Remembers an analysis. The least recently used one is forgotten, with its features. */
export async function keepAnalysis(
  { analyses, features }: EditCache,
  owner: string,
  planes: Float32Array,
  batch: number,
  analysis: Analysis,
): Promise<void> {
  const key = await keyOf(owner, planes, analysis.window, batch);
  const replaced = analyses.get(key);
  if (replaced) features.drop(replaced.trajectory.id);
  analyses.delete(key);
  analyses.set(key, analysis);
  for (const [oldest, { trajectory }] of analyses) {
    if (analyses.size <= MAX_ANALYSES) break;
    analyses.delete(oldest);
    features.drop(trajectory.id);
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
