/** Messages between the extension host and the gallery's page. Nothing here uses vscode or the DOM. */
import type { GalleryUsage, PictureInfo } from './gallery.ts';
import type { ImageAction, Notice } from './imageActions.ts';
import type { Failure } from './viewProtocol.ts';

export interface GalleryPicture extends PictureInfo {
  /** Addresses for the page: a small image, and the image itself. */
  thumbnail: string;
  address: string;
  /** URI of a file with the image, for dragging. */
  file: string;
}

export interface GalleryState {
  /** Newest first. */
  pictures: GalleryPicture[];
  /** Deleted images that can be restored. */
  deleted: GalleryPicture[];
  usage?: GalleryUsage;
  /** In the side bar there is room for less. */
  inSideBar: boolean;
  notice?: Notice;
  failure?: Failure;
}

// Extension host → page

export type GalleryHostMessage =
  | { type: 'state'; state: GalleryState }
  /** Bytes that were asked for. */
  | { type: 'picture'; id: string; png: Uint8Array<ArrayBuffer> }
  /** Puts an image on the clipboard. */
  | { type: 'copy'; id: string };

// Page → extension host

export type GalleryPageMessage =
  | { type: 'ready' }
  | { type: 'act'; action: ImageAction; ids: string[] }
  | { type: 'fetch'; id: string }
  | { type: 'noticeAction' }
  | { type: 'copied' }
  | { type: 'copyFailed'; reason: string }
  | { type: 'clear' }
  | { type: 'changeLimit' }
  | { type: 'openFolder' }
  | { type: 'openGallery' }
  | { type: 'generate' }
  | { type: 'showLog' }
  | { type: 'openSettings' };
