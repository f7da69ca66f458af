/** Messages between the extension host and the Patchwork view. Nothing here uses vscode or the DOM. */
import {
  type Additions,
  type AdditionsHostMessage,
  type AdditionsPageMessage,
  NO_ADDITIONS,
} from './additions.ts';
import type { PictureInfo } from './gallery.ts';
import type { ImageAction, Notice } from './imageActions.ts';
import type { InterruptedRun, Job } from './jobs.ts';
import type { SchedulerName } from './schedulers.ts';
import type { SizeLimits } from './sizes.ts';
import type { Style } from './styles.ts';

/** Fields of the view's form, as typed; empty ones have defaults. */
export interface TypedDraft {
  prompt: string;
  negativePrompt: string;
  /** Decimal digits, or empty for a seed at random. */
  seed: string;
  /** `512x768` */
  size: string;
  steps: string;
  guidance: string;
  scheduler: string;
  /** How the noise levels are spaced. */
  sigmas: string;
  /** Layer of the text encoder that is read, from the end. */
  clipSkip: string;
  /** As the setting patchwork.model has it. */
  model: string;
  precision: string;
  /** How many images, each with a seed of its own. */
  count: string;
  /** Share of the computing that may be spent, `0.1` to `1`; empty for all. */
  budget: string;
  /** Name of the style; empty for none. */
  style: string;
}

/** The contents of the view's form. */
export interface Draft extends TypedDraft {
  additions: Additions;
}

export const EMPTY_DRAFT: Draft = {
  additions: NO_ADDITIONS,
  prompt: '',
  negativePrompt: '',
  seed: '',
  size: '',
  steps: '',
  guidance: '',
  scheduler: '',
  sigmas: '',
  clipSkip: '',
  model: '',
  precision: '',
  count: '1',
  budget: '',
  style: '',
};

export interface Failure {
  message: string;
  /** What may help, if anything does. */
  help?: 'settings' | 'log';
  /** The run that failed can be started again. */
  again?: boolean;
}

/** What the form offers, and what its empty fields stand for. */
export interface FormFacts {
  /** Models on this machine; the first one, '', stands for the settings' model. */
  models: { id: string; title: string }[];
  defaults: { width: number; height: number; steps: number; guidance: number; scheduler: SchedulerName };
  /** Which sizes the model's images may have. */
  sizes: SizeLimits;
  /** The model reads reference images itself. */
  readsImages?: boolean;
  /** Styles whose words the model knows. */
  styles: Style[];
  /** All words that the chosen model knows, where it knows only a few. */
  words?: string[];
  /** Seconds that an image takes with the form as it is, if known. */
  seconds?: number;
  /** The cost of such an image; absent if a field of the form is invalid. */
  cost?: { macs: number; means: string };
}

/** A quick image of the form, generated while the user types. It is not in the gallery. */
export interface LiveDraft {
  prompt: string;
  width: number;
  height: number;
  seconds: number;
  /** Drawn with all that the form may spend, once typing paused. */
  refined: boolean;
}

/** An image in the view's strip. */
export interface RecentPicture extends PictureInfo {
  /** Address of a small image, for the page. */
  thumbnail: string;
  /** URI of a file with the image, for dragging. */
  file: string;
}

/** All that the view shows, except for the form, which the page owns, and the images' bytes. */
export interface ViewState {
  /** The latest images of the gallery, oldest first. */
  pictures: RecentPicture[];
  /** The image that is shown. */
  shown?: string;
  /** Id of a batch whose images are shown instead of one image. */
  grid?: string;
  /** Images are being made. */
  making: boolean;
  /** What is being made is shown, and then the image. */
  following: boolean;
  jobs: Job[];
  interrupted: InterruptedRun[];
  /** Facts about the form's model; absent until they are known. */
  facts?: FormFacts;
  /** Drafts while typing: whether they are switched on, and why there is none. */
  drafting: { on: boolean; hindrance?: string };
  /** The draft that is shown in place of an image. */
  live?: LiveDraft;
  /** Words in the shown image's prompt that its model does not know. */
  unknown: string[];
  /** A folder is open that images can be saved into. */
  hasFolder: boolean;
  failure?: Failure;
  notice?: Notice;
}

// Extension host → page

export type HostMessage =
  | { type: 'state'; state: ViewState }
  /** Fills the form; `typed`: with what the user had typed, which the shown image does not replace. */
  | { type: 'draft'; draft: Partial<Draft>; typed?: boolean }
  | { type: 'preview'; job: string; png: Uint8Array<ArrayBuffer> }
  | { type: 'picture'; id: string; png: Uint8Array<ArrayBuffer> }
  /** The bytes of the draft in the next `state` message. */
  | { type: 'live'; png: Uint8Array<ArrayBuffer> }
  /** Puts an image on the clipboard. */
  | { type: 'copy'; id: string }
  | AdditionsHostMessage;

// Page → extension host

export type PageMessage =
  | { type: 'ready' }
  /** The form has changed, so that what it offers may. */
  | { type: 'form'; draft: Draft }
  /** The user changes the form; it follows when they pause. */
  | { type: 'typing' }
  | { type: 'setDrafting'; on: boolean }
  | { type: 'generate'; draft: Draft }
  /** The same request with another seed. */
  | { type: 'again'; id: string }
  | { type: 'cancel'; job: string }
  | { type: 'cancelAll' }
  | { type: 'show'; id: string }
  | { type: 'showGrid'; batch: string }
  /** Shows what is being made. */
  | { type: 'follow' }
  /** Asks for the bytes of an image. */
  | { type: 'fetch'; id: string }
  | { type: 'act'; action: ImageAction; ids: string[] }
  | { type: 'noticeAction' }
  | { type: 'dismiss' }
  | { type: 'restart'; run: string }
  | { type: 'forget'; run: string }
  | { type: 'tryAgain' }
  /** An image file was dropped, to fill the form with its recipe. */
  | { type: 'dropped'; name: string; bytes: Uint8Array<ArrayBuffer> }
  | { type: 'droppedUri'; uri: string }
  | { type: 'copied' }
  | { type: 'copyFailed'; reason: string }
  | { type: 'openGallery' }
  | { type: 'getModels' }
  | { type: 'showLog' }
  | { type: 'openSettings' }
  | AdditionsPageMessage;

/** What the page keeps over a reload of the window; read back by the extension host, which must not trust it. */
export interface SavedView {
  version: 2;
  draft: Draft;
  /** What the form was last filled with: a draft that is still the same follows the shown image. */
  filled: Draft;
  shown?: string;
}
