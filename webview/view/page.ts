/** State that the parts of the page share. */
import type { ImageAction } from '../../shared/imageActions.ts';
import type { Draft, ViewState } from '../../shared/viewProtocol.ts';
import type { AdditionsForm } from '../additions/form.ts';
import type { PictureCache } from '../pictureCache.ts';

export interface Page {
  state: ViewState;
  draft: Draft;
  /** The draft that last filled the form. */
  filled: Draft;
  /** The size is typed. */
  customSize: boolean;
  /** Images of the grid that are marked to be kept, in order of clicks. */
  marked: string[];
  /** The two marked images are compared. */
  comparing: boolean;
  /** Compared images fit the window instead of showing every pixel. */
  whole: boolean;
  /** Something is dragged over the page. */
  dropping: boolean;
  pictures: PictureCache;
  additions: AdditionsForm;
}

export interface Actions {
  edit(change: Partial<Draft>): void;
  /** Switches drafts while typing on or off. */
  setDrafting(on: boolean): void;
  setCustomSize(custom: boolean): void;
  generate(): void;
  again(id: string): void;
  cancel(job: string): void;
  cancelAll(): void;
  show(id: string): void;
  showGrid(batch: string): void;
  mark(id: string): void;
  compare(comparing: boolean): void;
  setWhole(whole: boolean): void;
  follow(): void;
  act(action: ImageAction, ids: string[]): void;
  copy(id: string): void;
  noticeAction(): void;
  dismiss(): void;
  restart(run: string): void;
  forget(run: string): void;
  tryAgain(): void;
  openGallery(): void;
  getModels(): void;
  showLog(): void;
  openSettings(): void;
  drop(event: DragEvent): void;
  setDropping(dropping: boolean): void;
}
