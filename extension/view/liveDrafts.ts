import { setTimeout as sleep } from 'node:timers/promises';
import type { AskedRequest } from '../../shared/additions.ts';
import type { GenerateResult } from '../../shared/api.ts';
import type { LiveDraft } from '../../shared/viewProtocol.ts';
import { alone, Drafts } from '../drafts.ts';

/** The share of the computing that a draft may spend; docs/measurements.md compares it with the full image. */
const SHARE = 0.2;
/** Seconds after which a draft comes too late to be of use, and after which a refinement does. */
const LATE = 2;
const LATE_REFINEMENT = 8;
/** Expected seconds from which a draft is not even tried; a smaller value may have been measured on a busy machine. */
const HOPELESS = 6;
/** Milliseconds without a change after which a shown draft is refined. */
const PAUSE = 1200;

/** Functions that drafts need from the extension. */
interface DraftParts {
  /** Makes an image beside the queue. @throws AbortError if it was cancelled for a job */
  make(request: AskedRequest, signal: AbortSignal): Promise<GenerateResult>;
  /** About how many seconds an image takes. */
  expect(request: AskedRequest): Promise<number>;
  /** Shows a draft, or none and why. */
  show(drawn: { draft: LiveDraft; png: Uint8Array } | undefined, hindrance?: string): void;
}

/** Quick images of the view's form while it is typed, of the same seed and so of the same scene as the full ones. */
export class LiveDrafts extends Drafts {
  readonly #parts: DraftParts;
  readonly #pause: number;
  /** The form has been changed by the user, and its draft has not been asked for. */
  #typed = false;

  /** @param pause see `PAUSE` */
  constructor(parts: DraftParts, pause = PAUSE) {
    super(LATE, HOPELESS);
    this.#parts = parts;
    this.#pause = pause;
  }

  protected hide(hindrance?: string): void {
    this.#parts.show(undefined, hindrance);
  }

  /** The form is being changed, which the draft in progress is not of. */
  typing(): void {
    this.stop();
    this.#typed = true;
  }

  /** The form has arrived with changes of the user's, and nothing else was asked for since. */
  get isDue(): boolean {
    return this.#typed;
  }

  /** Stops the draft in progress, and makes none of what was typed until now. */
  override stop(): void {
    super.stop();
    this.#typed = false;
  }

  /** The request with the seed of its drafts, if it has none; later drafts have another one. */
  take(request: AskedRequest): AskedRequest {
    const drafted = this.takeSeed();
    const seed = request.seed ?? drafted;
    return { ...request, ...(seed !== undefined && { seed }) };
  }

  /** Draws a form's request in place of the one before, and refines it if nothing else comes. Never throws. */
  async draw(request: AskedRequest): Promise<void> {
    const full: AskedRequest = { ...alone(request), seed: request.seed ?? this.draftSeed() };
    const quick = { ...full, budget: Math.min(SHARE, full.budget ?? 1) };
    await this.replace(async (signal) => {
      const late = await this.times.hindranceOf(keyOf(quick), () => this.#parts.expect(quick));
      if (signal.aborted) return;
      if (late) return this.hide(late);
      await this.#show(quick, signal, false);
      if (quick.budget === full.budget || (await this.#parts.expect(full)) > LATE_REFINEMENT) return;
      await sleep(this.#pause, undefined, { signal });
      await this.#show(full, signal, true);
    });
  }

  async #show(request: AskedRequest, signal: AbortSignal, refined: boolean): Promise<void> {
    const { picture, seconds: all, loadSeconds } = await this.#parts.make(request, signal);
    const seconds = all - loadSeconds;
    if (!refined) this.times.note(keyOf(request), seconds);
    if (signal.aborted) return;
    const { png, width, height } = picture;
    this.#parts.show({ draft: { prompt: request.prompt, width, height, seconds, refined }, png });
  }
}

/** Key of everything that a request's time depends on. */
function keyOf({ prompt: _prompt, negativePrompt: _negative, seed: _seed, ...others }: AskedRequest): string {
  return JSON.stringify(others);
}
