import type { EditCost, EditDraft, EditorState } from '../../shared/editorProtocol.ts';
import type { CommonActions } from '../parts.ts';
import type { Stage } from './stage.ts';
import type { Tool } from './tools/tool.ts';

/** What the page draws. */
export interface EditorPage {
  /** Undefined until the extension host has told it. */
  state: EditorState | undefined;
  stage: Stage;
  draft: EditDraft;
  tool: Tool;
  /** Of the brush: pixels of the picture across, and 0 … 1. */
  size: number;
  softness: number;
  /** Of the mask, 0 … 1. */
  opacity: number;
  /** There is a mask. */
  masked: boolean;
  /** It is drawn over the picture; not while its result is looked at. */
  maskShown: boolean;
  cost: EditCost | undefined;
  /** Which level of `cost.computed` is painted over the picture. */
  level: number | undefined;
  /** Pictures of the variations, by their ids. */
  thumbnails: ReadonlyMap<string, string>;
  /** The variation that is seen in the picture. */
  seen: string | undefined;
}

/** What can be done with the mask as a whole. */
export type MaskAction = 'invert' | 'clear' | 'grow' | 'shrink';

export interface EditorActions extends CommonActions {
  edit(change: Partial<EditDraft>): void;
  choose(tool: Tool): void;
  setBrush(change: { size?: number; softness?: number }): void;
  setOpacity(opacity: number): void;
  mask(action: MaskAction): void;
  toggleMask(): void;
  apply(): void;
  see(variation: string | undefined): void;
  pick(variation: string): void;
  discard(): void;
  measure(): void;
  pickPrompt(): void;
  undo(): void;
  redo(): void;
  toggleCompare(): void;
  showLevel(level: number | undefined): void;
  copy(what: 'picture' | 'selection'): void;
  drag(event: DragEvent): void;
  insertLink(): void;
  exportMask(): void;
  reload(): void;
  keep(): void;
}

export const BRUSH_SIZES = { min: 1, max: 512 };
