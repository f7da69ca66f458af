/** The view, for code that generates images. */
import type { AskedRequest } from '../../shared/additions.ts';
import type { PictureInfo } from '../../shared/gallery.ts';

/** The view, as far as it shows running images. */
interface RunView {
  readonly visible: boolean;
  /** Shows images from now on while they are generated. @param filled the form already has this request */
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
