/** What the extension host and the Patchwork view say to each other. Nothing here knows vscode or the DOM. */
import type { EditProgress, GenerateProgress, GenerateRequest, GenerateResult } from './api.ts';

/** A finished picture, without its bytes. */
export interface PictureInfo extends Omit<GenerateResult, 'picture'> {
  id: string;
  /** What was asked for, to ask for it again. */
  request: GenerateRequest;
  /** URI of the file it was saved to. */
  savedAs?: string;
}

/** What stands in the view's form. */
export interface Draft {
  prompt: string;
  negativePrompt: string;
  /** Decimal digits, or empty for a seed at random. */
  seed: string;
}

export interface RunState extends Pick<GenerateProgress, 'step' | 'steps'> {
  /** `wait` until the engine reports. */
  stage: EditProgress['stage'] | 'wait';
  cancelling: boolean;
}

export interface Failure {
  message: string;
  /** True if other settings may help. */
  settings: boolean;
}

/** All that the view shows, except for the form, which the page owns, and the pictures' bytes. */
export interface ViewState {
  /** Oldest first. */
  pictures: PictureInfo[];
  shown?: string;
  run?: RunState;
  failure?: Failure;
  /** A sentence about what went well last, e.g. where the picture was saved. */
  notice?: string;
}

// Extension host → page

export type HostMessage =
  | { type: 'state'; state: ViewState }
  /** Replaces what stands in the form. */
  | { type: 'draft'; draft: Draft }
  | { type: 'preview'; png: Uint8Array<ArrayBuffer> }
  | { type: 'picture'; id: string; png: Uint8Array<ArrayBuffer> };

// Page → extension host

export type PageMessage =
  | { type: 'ready' }
  | { type: 'generate'; draft: Draft }
  /** The same request with another seed. */
  | { type: 'again'; id: string }
  | { type: 'cancel' }
  | { type: 'show'; id: string }
  /** Asks for the bytes of a picture. */
  | { type: 'fetch'; id: string }
  | { type: 'save'; id: string }
  | { type: 'openSaved'; id: string }
  | { type: 'insertLink'; id: string }
  /** Opens the picture in the editor, saving it first. */
  | { type: 'edit'; id: string }
  | { type: 'copied' }
  | { type: 'copyFailed'; reason: string }
  | { type: 'showLog' }
  | { type: 'openSettings' };

/** What the page keeps over a reload of the window; read back by the extension host, which must not trust it. */
export interface SavedView {
  version: 1;
  draft: Draft;
  pictures: string[];
  shown?: string;
}
