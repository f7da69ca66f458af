/** What those who make images know of the view. */
import type { AskedRequest } from '../../shared/additions.ts';
import type { PictureInfo } from '../../shared/gallery.ts';

/** The view, as far as it shows what is made. */
export interface RunView {
  readonly visible: boolean;
  /** What is asked for from now on is shown as it is made. @param filled the form asks for this already */
  begin(asked: AskedRequest, about: { filled: boolean; batch?: string }): void;
  preview(job: string, png: Uint8Array): void;
  finished(picture: PictureInfo): Promise<void>;
  cancelled(): void;
  fail(error: unknown, request: AskedRequest): void;
  show(picture: PictureInfo): Promise<void>;
}

/** Where the view is found. */
export interface RunViews {
  /** The view if it is open. */
  readonly current: RunView | undefined;
  /** Brings it to the front, opening it if need be. */
  show(): RunView;
  /** A run begins, or has ended. */
  count(change: 1 | -1): void;
}
