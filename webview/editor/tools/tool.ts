import type { Combination, PicturePlace } from '../../../shared/editorProtocol.ts';
import type { Icon } from '../icons.ts';
import type { Colour } from '../mask/colours.ts';
import type { Brush, Point } from '../mask/strokes.ts';
import type { MaskLayer } from '../maskLayer.ts';

/** What tools change. Points are in pixels of the picture. */
export interface ToolContext {
  readonly mask: MaskLayer;
  /** What steers edits: RGB. */
  readonly control: MaskLayer;
  /** Colours that edits begin with: RGBA. */
  readonly colours: MaskLayer;
  /** The colour that is painted with. */
  readonly paint: Colour;
  /** Where edits will be erased: pixels that a gesture leaves in it are restored to the original. */
  readonly erased: MaskLayer;
  readonly brush: Brush;
  /** Masks the object at a place. */
  select(place: PicturePlace, how: Combination): void;
  /** Previews a click at a place; undefined hides it. */
  hint(place: PicturePlace | undefined): void;
  /** Paints with the image's colour at a place from now on. */
  pick(at: Point): void;
  /** Draws a line over the image; without points removes it. */
  outline(points: readonly Point[], closed: boolean): void;
}

export interface Modifiers {
  alt: boolean;
  shift: boolean;
}

/** From pressing to releasing. */
export interface Gesture {
  /** New places of the pointer, the latest last. */
  move(points: readonly Point[]): void;
  end(): void;
  cancel(): void;
}

/** A tool for the pointer, or for the arrow keys in its place. */
export interface Tool {
  id: string;
  title: string;
  /** The key that chooses it. */
  key: string;
  /** In the rail, and beside what uses the tool. */
  icon: Icon;
  /** What to do with it, for the options bar. */
  hint: string;
  /** Shows the brush at the pointer, and its settings. */
  usesBrush: boolean;
  /** Draws in the control layer, with a sharp brush that has a size of its own. */
  draws?: true;
  /** Paints colours: shows the colour that is painted with. */
  paints?: true;
  /** A press moves the image, as with any tool while Space is held. */
  pans?: boolean;
  begin(context: ToolContext, at: Point, modifiers: Modifiers): Gesture;
  /** Follows the pointer while nothing is pressed, for a preview of what a press would give. */
  hover?(context: ToolContext, at: Point | undefined, modifiers: Modifiers): void;
}
