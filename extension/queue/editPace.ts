/** Times of edits on this machine, from which the next one's is predicted before its first step. */
import type { EditRequest, EditResult } from '../../shared/api.ts';
import type { Raster } from '../../shared/raster.ts';
import { type Storage, StoredList } from '../storedList.ts';
import { keyOf, type Times, timesOf } from './pace.ts';
import type { Expected } from './remaining.ts';

/** What the time of an edit depends on. */
export interface EditKind {
  /** Everything but the sizes. */
  key: string;
  /** Pixels of the part of the image that is worked on. */
  pixels: number;
  /** Which share of them is to be painted, 0 … 1. */
  share: number;
}

interface Sample extends EditKind, Times {
  steps: number;
}

const KEY = 'patchwork.editPace';
const KEPT = 60;
/** Shares that differ by less than this factor take about the same time. */
const ALIKE = 1.5;

/**
 * The kind of an edit whose mask is pixels.
 * @param prepared whether the image's features are recorded, so that only the masked part is computed
 * @param size of the part of the image that is worked on
 */
export function editKind(
  request: EditRequest,
  prepared: boolean,
  { width, height }: { width: number; height: number },
): EditKind {
  const { mask, colours, steps, strength, budget, remove, extend, mode } = request;
  const { controls, references, regions, loras } = request;
  const form = [steps, strength, budget, remove, extend, mode].map((value) => value ?? null);
  const networks = [controls, references, regions, loras].map((each) => each?.length ?? 0);
  const pixels = width * height;
  const part = mask ?? colours;
  const painted = part && 'channels' in part ? Math.max(1, pixelsIn(part)) : pixels;
  return {
    key: JSON.stringify([keyOf(request), prepared, part !== undefined, ...form, ...networks]),
    pixels,
    share: Math.min(1, painted / pixels),
  };
}

/** Pixels that a mask masks, or that colours cover. */
function pixelsIn({ channels, data }: Raster): number {
  let count = 0;
  for (let i = channels - 1; i < data.length; i += channels) if (data[i] !== 0) count++;
  return count;
}

export class EditPace {
  readonly #samples: StoredList<Sample>;

  constructor(storage: Storage) {
    this.#samples = new StoredList(storage, KEY, KEPT, isSample);
  }

  /** Records an edit. One that had to record features first says nothing about the next one. */
  async note(kind: EditKind, result: EditResult): Promise<void> {
    const { stepSeconds, recordedSteps, mode } = result;
    const times = timesOf(result);
    if (!times || recordedSteps > 0) return;
    const sample: Sample = {
      ...kind,
      // Where everything is computed, the mask does not matter.
      share: mode === 'dense' ? 1 : kind.share,
      steps: stepSeconds.length,
      ...times,
    };
    await this.#samples.add(
      sample,
      (other) => isLike(other, kind) && areAlike(other.share, sample.share, 1.1),
    );
  }

  /**
   * Times of an edit, between those of a smaller and a larger share that were measured. Undefined if there are none
   * like it.
   * @param denseSeconds of all its steps if everything is computed, if known
   */
  like(kind: EditKind, denseSeconds?: number): Expected | undefined {
    const alike = this.#samples.all
      .filter((sample) => isLike(sample, kind))
      .sort((a, b) => distance(a, kind) - distance(b, kind));
    const [nearest] = alike;
    if (!nearest) return undefined;
    const { steps, otherSeconds } = nearest;
    const points = alike.map(({ share, stepSeconds }) => ({ share, stepSeconds }));
    if (denseSeconds !== undefined) points.push({ share: 1, stepSeconds: denseSeconds / steps });
    const stepSeconds = between(points, kind.share);
    return stepSeconds === undefined ? undefined : { steps, stepSeconds, otherSeconds };
  }
}

/** The time of a share, on the line between the next smaller and the next larger one that are known. */
function between(points: readonly { share: number; stepSeconds: number }[], share: number) {
  const below = points.filter((point) => point.share <= share).sort((a, b) => b.share - a.share)[0];
  const above = points.filter((point) => point.share > share).sort((a, b) => a.share - b.share)[0];
  if (below && above) {
    const way = (share - below.share) / (above.share - below.share);
    return below.stepSeconds + way * (above.stepSeconds - below.stepSeconds);
  }
  const only = below ?? above;
  return only && areAlike(only.share, share, ALIKE) ? only.stepSeconds : undefined;
}

function isLike({ key, pixels }: Sample, kind: EditKind): boolean {
  return key === kind.key && pixels === kind.pixels;
}

function areAlike(a: number, b: number, factor: number): boolean {
  return Math.max(a, b) <= factor * Math.min(a, b);
}

function distance({ share }: Sample, kind: EditKind): number {
  return Math.abs(Math.log(share / kind.share));
}

/** The stored state may come from another version. */
function isSample(value: unknown): value is Sample {
  const { key, pixels, share, steps, stepSeconds, otherSeconds } = (value ?? {}) as Partial<Sample>;
  return (
    typeof key === 'string' &&
    [pixels, share, steps, stepSeconds].every((number) => typeof number === 'number' && number > 0) &&
    typeof otherSeconds === 'number' &&
    otherSeconds >= 0
  );
}
