/** Messages between the extension host and the pages of the image editor. Nothing here uses vscode or the DOM. */
import {
  type AdditionPlace,
  type Additions,
  type AdditionsHostMessage,
  type AdditionsPageMessage,
  type ControlRow,
  NO_ADDITIONS,
  NO_CONTROL,
} from './additions.ts';
import type { ComputedLevel, EditRequest, Precision, SegmentRequest } from './api.ts';
import type { RunState } from './jobs.ts';
import type { Area, Patch } from './raster.ts';
import type { Failure } from './viewProtocol.ts';

/**
 * What an edit paints: what is masked; all of the image; the surroundings over what is masked; what is added to the
 * canvas.
 */
export const EDIT_WAYS = ['mask', 'all', 'remove', 'extend'] as const;
export type EditWay = (typeof EDIT_WAYS)[number];

/** Whether the mask decides where the edit is made. */
export function needsMask(way: EditWay): boolean {
  return way === 'mask' || way === 'remove';
}

/** Whether the prompt decides what is painted. */
export function needsPrompt(way: EditWay): boolean {
  return way !== 'remove';
}

/** Whether painted colours are what the edit begins with. */
export function takesColours(way: EditWay): boolean {
  return way === 'mask' || way === 'all';
}

/** Pixels at each side of the canvas. */
type Sides = NonNullable<EditRequest['extend']>;

/** Pixels that are added at each side of the canvas. */
export type Extension = Sides;

/** Pixels that are cut off at each side of the canvas. */
export type Crop = Sides;

export const NO_EXTENSION: Extension = { left: 0, top: 0, right: 0, bottom: 0 };

/** The contents of the editor's form. */
export interface EditDraft {
  way: EditWay;
  /** For `extend`. */
  extension: Extension;
  prompt: string;
  negativePrompt: string;
  /** 0.05 … 1; 0: the default for the model and the kind of edit. */
  strength: number;
  /** Decimal digits, or empty for the model's own. */
  steps: string;
  /** Decimal digits, or empty for a seed at random. */
  seed: string;
  /** Keep the seed for the next edit. */
  seedLocked: boolean;
  /** Empty: the settings' precision. */
  precision: Precision | '';
  /** Seeds that are tried, 1 … 4. */
  variations: number;
  additions: Additions;
  /** How the control layer steers. Its picture: the layer that an edit was painted with, else empty. */
  control: ControlRow;
  /** Share of the computing that may be spent, 0.1 … 1; 0: what the model's makers recommend for edits. */
  budget: number;
  /** Paint small masks enlarged, in more detail. */
  zoom: boolean;
}

/** What a page begins with. */
export const EMPTY_DRAFT: EditDraft = {
  way: 'mask',
  extension: NO_EXTENSION,
  prompt: '',
  negativePrompt: '',
  strength: 0,
  steps: '',
  seed: '',
  seedLocked: false,
  precision: '',
  variations: 1,
  additions: NO_ADDITIONS,
  control: NO_CONTROL,
  budget: 0,
  zoom: false,
};

export const MOST_VARIATIONS = 4;

export interface EditRun extends RunState {
  /** Which of the variations is painted, from 0. */
  variation: number;
  variations: number;
}

/** One of the seeds that were tried. Pixels of one that waits to be picked come in a `variation` message. */
interface VariationInfo {
  id: string;
  seed: number;
}

/** Where an object is in the picture. */
export type PicturePlace = Pick<SegmentRequest, 'points' | 'box'>;

/** What becomes of the mask when an object is selected. */
export type Combination = 'replace' | 'add' | 'remove';

/** What a full recompute of an edit takes. */
interface DenseTime {
  /** Without loading the model. */
  seconds: number;
  /** By computing this edit in full; else estimated from full steps of this size that this machine has computed. */
  measured: boolean;
}

/** What an edit cost. */
export interface EditCost {
  prompt: string;
  seed: number;
  steps: number;
  /** Multiply–accumulates of the edit without recording, and of the same edit when everything is computed. */
  macs: number;
  denseMacs: number;
  /** Spent on recording the picture's own features first, once a picture. */
  recordingMacs: number;
  recordedSteps: number;
  recordSeconds: number;
  /** Wall time of all, with what loading the model took of it. */
  seconds: number;
  loadSeconds: number;
  /** Share of the positions that was computed, level by level from the finest. */
  activeFraction: number[];
  dense?: DenseTime;
  /** By which means a budget was kept to, for people. */
  means?: string;
  /** None where everything was computed. */
  computed: ComputedLevel[];
}

/** All that an editor shows beside the picture, its mask, the form and the cost. */
export interface EditorState {
  /** The file's name. */
  name: string;
  /** As a drag source tells it. */
  uri: string;
  readOnly: boolean;
  /** The file on the disk is another than the one that was opened. */
  changedOnDisk: boolean;
  precisions: readonly Precision[];
  /** Clicks can become masks. */
  canSelect: boolean;
  /** A click is being answered: at once, or when the engine has done its work. */
  selecting?: 'now' | 'later';
  /** The picture is not as it was when it was opened. */
  edited: boolean;
  /** What is lost when an edited picture is saved in its own file, in sentences. */
  losses?: string;
  canUndo: boolean;
  canRedo: boolean;
  /** An edit was painted with a mask or colours that can be used again. */
  canReselect: boolean;
  /** Set while the mask belongs to an edit that is not part of the picture yet; another number for each such edit. */
  maskTaken?: number;
  run?: EditRun;
  /** The picture is recorded in the background: steps done, of all, and the seconds that are left, if known. */
  preparing?: { step: number; steps: number; remaining?: number };
  /** The picture as it is now is recorded. */
  prepared?: boolean;
  /** Seconds that an edit takes at most, about, where steps of any size were measured on this machine. */
  mostSeconds?: number;
  /** The same of an edit for which everything is computed. */
  fullSeconds?: number;
  /** Only a part of the picture around the mask is edited. */
  large?: boolean;
  /** The prompt in the file's recipe. */
  madeFrom?: string;
  /** The model reads reference images itself. */
  readsImages?: boolean;
  /** What reads the control layer where no other model is chosen; empty if none is known. */
  controlModel?: string;
  /** All words that the model knows, if they are few. */
  words?: string[];
  /** The picture is unlike those that such a model knows. */
  foreign?: boolean;
  /** The dense edit is being measured. */
  measuring: boolean;
  variations: VariationInfo[];
  failure?: Failure;
  notice?: string;
  /** A model that would help, by its name at the hub, and what its button says. */
  offer?: { model: string; text: string };
}

/** One edit of the picture in the list beside it. */
export interface EditRow {
  id: string;
  /** As in the undo menu. */
  label: string;
  kind: 'paint' | 'restore' | 'crop';
  /** Id of its thumbnail. */
  picture: string;
  /** What it can be, the id of what it is being `picture`; none if there is no choice. */
  variations: readonly VariationInfo[];
  /** Part of the picture as it is now. */
  shown: boolean;
  /** How much of it is seen over what is below it, 0 … 1; absent if that cannot be changed. */
  opacity?: number;
  /** Its form, and its mask if it has one, can be used again. */
  reusable: boolean;
  prompt?: string;
  seed?: number;
  /** Wall time of the whole edit. */
  seconds?: number;
  /** Share of the finest positions that was computed. */
  computed?: number;
}

/** A part of a picture as a PNG file. */
interface PngPart extends Area {
  png: Uint8Array<ArrayBuffer>;
}

/** What commands of the palette do in the page: start an edit of a way, show the edges to extend or crop, cut out. */
export const EDITOR_COMMANDS = ['repaintAll', 'remove', 'extend', 'crop', 'cutOut'] as const;
export type EditorCommand = (typeof EDITOR_COMMANDS)[number];

// Extension host → page

export type EditorHostMessage =
  /** The picture's file; all that was drawn before is gone. Edits of it follow at once or once it is `painted`. */
  | { type: 'open'; name: string; file: Uint8Array<ArrayBuffer>; mime: string }
  | { type: 'state'; state: EditorState }
  | { type: 'draft'; draft: Partial<EditDraft> }
  /** A command of the palette. */
  | { type: 'command'; command: EditorCommand }
  /** The canvas has another size: where it is in the file's pixels. All pixels and the mask follow. */
  | { type: 'frame'; frame: Area }
  /** RGB. */
  | { type: 'pixels'; patch: Patch }
  | { type: 'mask'; patch: Patch }
  /** Where objects were selected: of what is masked there the outline is painted over. */
  | { type: 'objects'; patch: Patch }
  /** Of the control layer: RGB. */
  | { type: 'control'; patch: Patch }
  /** Painted colours: RGBA. */
  | { type: 'colours'; patch: Patch }
  /** The painted part on the way; none when a run ends. */
  | { type: 'preview'; part?: PngPart }
  | { type: 'variation'; id: string; patch: Patch }
  /** Drafts while a mask is painted: whether they are made, and what the last one changes, or why there is none. */
  | { type: 'live'; on: boolean; patch?: Patch; seconds?: number; hindrance?: string }
  /** All edits, the first below. */
  | { type: 'edits'; edits: EditRow[] }
  /** What an edit or one of its variations has painted, RGB, or the coverage of a restoration, one channel. */
  | { type: 'thumbnail'; id: string; picture: Patch }
  /** The mask that a click where the pointer is would give; none if there is none. */
  | { type: 'hover'; patch?: Patch }
  | { type: 'cost'; cost?: EditCost }
  /** The model that was chosen for the control layer. */
  | { type: 'controlModel'; model: string }
  | AdditionsHostMessage;

// Page → extension host

export type EditorPageMessage =
  | { type: 'ready' }
  /** The file that was opened is on the screen. */
  | { type: 'painted' }
  | { type: 'broken'; reason: string }
  /** The new values of a part of the mask. `whole`: all of it was changed, so no object in it is one any more. */
  | { type: 'mask'; label: string; patch: Patch; whole?: boolean }
  /** The new values of a part of the control layer, RGB. */
  | { type: 'control'; label: string; patch: Patch }
  /** The new values of a part of the colours, RGBA. */
  | { type: 'colours'; label: string; patch: Patch }
  /** Lets the user choose an image for the control layer, or the model that reads it. */
  | { type: 'chooseControl'; what: 'picture' | 'model' }
  /** An image was dropped on the control layer: its file's name and bytes, or its address in VS Code. */
  | { type: 'giveControl'; name: string; bytes: Uint8Array<ArrayBuffer> }
  | { type: 'giveControlUri'; uri: string }
  | { type: 'select'; place: PicturePlace; how: Combination }
  /** Masks the next object of the picture, or the one before. */
  | { type: 'selectNext'; step: 1 | -1 }
  /** Requests a preview of a click; without a place hides it. */
  | { type: 'hover'; place?: PicturePlace }
  /** Erases edits as far as the patch covers. */
  | { type: 'restore'; patch: Patch }
  /** An edit of the picture is likely, with a form like this. */
  | { type: 'prepare'; draft: EditDraft }
  | { type: 'apply'; draft: EditDraft }
  /** A quick draft of the form's edit; without a form the last one is hidden. */
  | { type: 'live'; draft?: EditDraft }
  /** Stops the draft that is being made. */
  | { type: 'stopLive' }
  | { type: 'setLive'; on: boolean }
  | { type: 'cancel' }
  /** Ends the click that is being answered. */
  | { type: 'cancelSelect' }
  | { type: 'pick'; id: string }
  | { type: 'discard' }
  | { type: 'measure' }
  /** Restores the mask and the colours of the last edit. */
  | { type: 'reselect' }
  | { type: 'showEdit'; id: string; shown: boolean }
  /** Another opacity of an edit, 0 … 1: a step, or only shown while the slider is moved. */
  | { type: 'fadeEdit'; id: string; opacity: number; done: boolean }
  /** Puts another of its variations in the place of an edit. */
  | { type: 'varyEdit'; id: string; variation: string }
  /** Lays an edit over the next one (1), or below the one before it (−1). */
  | { type: 'moveEdit'; id: string; by: 1 | -1 }
  | { type: 'crop'; crop: Crop }
  /** Shows this edit and those below it, and hides those after it. */
  | { type: 'goBack'; id: string }
  /** Brings back an edit's mask and form. */
  | { type: 'useEdit'; id: string }
  /** Paints an edit once more in place of itself, with another seed. */
  | { type: 'runAgain'; id: string }
  | { type: 'pickPrompt' }
  | { type: 'undo' }
  | { type: 'redo' }
  | { type: 'insertLink' }
  /** Makes the picture as it is larger, as a new file beside it. */
  | { type: 'upscale' }
  | { type: 'getModel'; model: string }
  | { type: 'getModels' }
  | { type: 'loadMask' }
  | { type: 'exportMask' }
  /** Saves what is masked as an image with a transparent background. */
  | { type: 'cutOut' }
  | { type: 'reload' }
  | { type: 'keep' }
  | { type: 'copied'; what: string }
  | { type: 'failed'; what: string; reason: string }
  | { type: 'showLog' }
  | { type: 'openSettings' }
  /** The mask says where a reference is seen. */
  | { type: 'giveMask'; place: AdditionPlace }
  | AdditionsPageMessage;

/** State that a page keeps over a reload of the window. */
export interface SavedEditor {
  version: 1;
  draft: EditDraft;
  tool: string;
  /** Size of the brush, in pixels of the screen. */
  size: number;
  softness: number;
  /** Of the sketch's lines, in pixels of the screen. */
  line: number;
  opacity: number;
  colour: string;
  /** Of the colour brush, #rrggbb. */
  paint: string;
  amount: number;
  /** Absent while none is chosen. */
  crop?: Crop;
  /** Pixels of the screen for one of the picture, and where its upper left corner is; absent: the picture fits. */
  view?: { scale: number; left: number; top: number };
}
