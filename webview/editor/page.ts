import type {
  Crop,
  EditCost,
  EditDraft,
  EditorState,
  EditRow,
  EditWay,
} from '../../shared/editorProtocol.ts';
import type { AdditionsForm } from '../additions/form.ts';
import type { CommonActions } from '../templates.ts';
import type { Stage } from './stage.ts';
import type { Tool } from './tools/tool.ts';

/** The state that the page renders. */
export interface EditorPage {
  /** Undefined until the extension host has sent it. */
  state: EditorState | undefined;
  stage: Stage;
  draft: EditDraft;
  tool: Tool;
  /** The brush: its diameter in pixels of the screen, and its softness 0 … 1. */
  size: number;
  softness: number;
  /** Of the sketch's lines, in pixels of the screen. */
  line: number;
  /** The mask's opacity 0 … 1, and its colour, one of `MASK_COLOURS`. */
  opacity: number;
  colour: string;
  /** Of the colour brush, #rrggbb. */
  paint: string;
  /** Pixels of the picture by which a mask is grown, shrunk or feathered. */
  amount: number;
  additions: AdditionsForm;
  /** There is a mask. */
  masked: boolean;
  /** Its colour is drawn over the picture; only its outline while its result is looked at. */
  maskShown: boolean;
  /** There are painted colours; shown with the mask. */
  coloured: boolean;
  /** There is something in the control layer. */
  controlled: boolean;
  controlShown: boolean;
  /** Edits that were begun since the page was loaded. */
  runs: number;
  /** Drafts while the mask is painted: how long the one that is shown took, or why there is none. */
  live: { on: boolean; seconds?: number; hindrance?: string };
  /** Where the image is to be cropped; undefined while it is not. */
  crop: Crop | undefined;
  cost: EditCost | undefined;
  /** Which level of `cost.computed` is painted over the picture. */
  level: number | undefined;
  /** Pictures of the variations, by their ids. */
  thumbnails: ReadonlyMap<string, string>;
  /** The variation that is seen in the picture. */
  seen: string | undefined;
  /** The edits of the picture, the first below, and pictures of what they painted, by their ids. */
  edits: readonly EditRow[];
  drawnEdits: ReadonlyMap<string, string>;
  /** The edit whose opacity is being changed. */
  fading: { id: string; opacity: number } | undefined;
}

/** Actions on the whole mask. */
export type MaskAction = 'invert' | 'clear' | 'grow' | 'shrink' | 'feather';

/** Actions on the rows of the list of edits. */
export interface EditActions {
  showEdit(id: string, shown: boolean): void;
  fadeEdit(id: string, opacity: number, done: boolean): void;
  moveEdit(id: string, by: 1 | -1): void;
  varyEdit(id: string, variation: string): void;
  goBack(id: string): void;
  useEdit(id: string): void;
  runAgain(id: string): void;
}

/** Actions on the ways to change the image. */
export interface WayActions {
  chooseWay(way: EditWay): void;
  chooseCrop(): void;
  setCrop(crop: Crop): void;
  cropToMask(): void;
  setLive(on: boolean): void;
  /** Starts the edit, or crops. */
  apply(): void;
}

export interface EditorActions extends CommonActions, EditActions, WayActions {
  edit(change: Partial<EditDraft>): void;
  choose(tool: Tool): void;
  setBrush(change: { size?: number; softness?: number }): void;
  setOpacity(opacity: number): void;
  setColour(colour: string): void;
  setPaint(colour: string): void;
  clearColours(): void;
  mask(action: MaskAction): void;
  toggleMask(): void;
  reselect(): void;
  toggleControl(): void;
  clearControl(): void;
  chooseControl(what: 'picture' | 'model'): void;
  dropControl(event: DragEvent): void;
  see(variation: string | undefined): void;
  pick(variation: string): void;
  discard(): void;
  measure(): void;
  cancelSelect(): void;
  pickPrompt(): void;
  undo(): void;
  redo(): void;
  toggleCompare(): void;
  showLevel(level: number | undefined): void;
  copy(what: 'picture' | 'selection'): void;
  drag(event: DragEvent): void;
  insertLink(): void;
  upscale(): void;
  setAmount(amount: number): void;
  getModel(model: string): void;
  getModels(): void;
  cutOut(): void;
  loadMask(): void;
  exportMask(): void;
  reload(): void;
  keep(): void;
}

/** Of the tool's brush, in pixels of the screen. */
export function brushSize({ tool, line, size }: EditorPage): number {
  return tool.draws ? line : size;
}

/** Whether an edit of the picture has the opacity that a change ends with. */
export function isFaded(edits: readonly EditRow[], fading: EditorPage['fading']): boolean {
  return edits.some(({ id, opacity }) => id === fading?.id && opacity === fading.opacity);
}

export const BRUSH_SIZES = { min: 1, max: 512 };

/** Colours that masks can have: the theme's red first. */
export const MASK_COLOURS = ['red', 'green', 'blue', 'yellow', 'purple'] as const;
