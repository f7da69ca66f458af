import type { EditRequest, EditResult } from '../../shared/api.ts';
import type { EditDraft } from '../../shared/editorProtocol.ts';
import { cut, difference, type Patch, type Raster } from '../../shared/raster.ts';
import { alone, Drafts } from '../drafts.ts';
import { seedsOf, withSeed } from './draft.ts';

/** The share of the computing that a draft may spend. */
const SHARE = 0.2;
/** See `DraftTimes`. */
const [LATE, HOPELESS] = [1, 8];

/** Functions that drafts need from the editor. */
interface LiveParts {
  /** The form's edit. @throws InputError if it cannot be made */
  ask(draft: EditDraft): Promise<{ request: EditRequest; start: Raster }>;
  /** Edits beside the queue. @throws AbortError if it was cancelled for a job */
  make(request: EditRequest, signal: AbortSignal): Promise<EditResult>;
  /** About how many seconds the form's full recompute takes, if that is known. */
  expect(): number | undefined;
  /** Shows what a draft changes, or nothing and why. */
  show(shown: { patch?: Patch; seconds?: number; hindrance?: string }): void;
}

/**
 * Quick results of the editor's form while a mask is painted, with the seed that *Apply* then takes. They are a full
 * recompute in few steps, so they need nothing recorded and record nothing.
 */
export class LiveEdits extends Drafts {
  readonly #parts: LiveParts;

  constructor(parts: LiveParts) {
    super(LATE, HOPELESS);
    this.#parts = parts;
  }

  protected hide(hindrance?: string): void {
    this.#parts.show(hindrance ? { hindrance } : {});
  }

  /** The form with the seed of its drafts, if it has none; later drafts have another one. */
  take(draft: EditDraft): EditDraft {
    const seed = this.takeSeed();
    return seed === undefined ? draft : withSeed(draft, seed);
  }

  /** Makes a form's draft in place of the one before. Never throws. */
  async draw(draft: EditDraft): Promise<void> {
    const seeded = withSeed(draft, this.draftSeed());
    await this.replace(async (signal) => {
      const { request: full, start } = await this.#parts.ask(draft);
      const [seed] = seedsOf(seeded, 1);
      const budget = Math.min(SHARE, full.budget ?? 1);
      const request: EditRequest = { ...alone(full), seed, budget, mode: 'dense', previews: false };
      const key = keyOf(request, start);
      const hindrance = await this.times.hindranceOf(key, async () => {
        const whole = this.#parts.expect();
        return whole && budget * whole;
      });
      if (signal.aborted) return;
      if (hindrance) return this.hide(hindrance);
      const { pixels, seconds: all, loadSeconds } = await this.#parts.make(request, signal);
      const seconds = all - loadSeconds;
      this.times.note(key, seconds);
      const area = pixels && difference(start, pixels);
      if (!signal.aborted) this.#parts.show(area ? { patch: cut(pixels, area), seconds } : {});
    });
  }
}

/** Key of what a draft's time depends on. */
function keyOf(
  { image: _, mask: _mask, colours: _colours, prompt: _prompt, seed: _seed, ...others }: EditRequest,
  start: Raster,
): string {
  const { controls = [], references = [], regions = [], negativePrompt: _negative, ...rest } = others;
  const counts = [controls.length, references.length, regions.length, start.width, start.height];
  return JSON.stringify([rest, counts]);
}
