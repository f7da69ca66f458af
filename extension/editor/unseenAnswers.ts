import { copyOf, cut, fits, type Patch, paste, type Raster } from '../../shared/raster.ts';

/**
 * Strokes that a page sends before it has seen the answers to its clicks. A stroke comes as the new values of an area, so
 * without this it would erase what a click has masked there.
 */
export class UnseenAnswers {
  /** The mask as the page shows it; undefined while it has seen every answer. */
  #shown: Raster | undefined;

  /** A click is about to change the mask. */
  begin(mask: Raster): void {
    this.#shown ??= copyOf(mask);
  }

  /** The page has seen the answers. */
  end(): void {
    this.#shown = undefined;
  }

  /** What a stroke changes of the mask that the page shows, laid over the mask as it is now. */
  over(now: Raster, stroke: Patch): Patch {
    const shown = this.#shown;
    if (!shown || shown.data.length !== now.data.length || !fits(stroke, now)) return stroke;
    const before = cut(shown, stroke).data;
    const there = cut(now, stroke).data;
    paste(shown, stroke);
    return {
      ...stroke,
      data: stroke.data.map((value, i) => (value === before[i] ? there[i]! : value)),
    };
  }
}
