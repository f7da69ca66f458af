import type { Marks } from './marks.ts';
import type { Brush, Point } from './mask/strokes.ts';
import { brush as brushTool } from './tools/brushes.ts';
import type { Gesture, Modifiers, Tool, ToolContext } from './tools/tool.ts';
import { type Size, toPicture, toStage, type ViewTransform } from './viewTransform.ts';

/** Zoom of one notch of a wheel, and of a pixel of a pinch. */
const WHEEL_ZOOM = 1.0015;
const PINCH_ZOOM = 1.01;

/** The part of the stage that the input uses. */
interface Surface {
  readonly element: HTMLElement;
  readonly size: Size;
  /** Undefined until a picture is open. */
  readonly picture: { readonly size: Size } | undefined;
  readonly view: ViewTransform;
  context(brush: Brush): ToolContext | undefined;
  move(view: ViewTransform): void;
  zoomBy(factor: number, at?: Point): void;
}

interface InputEvents {
  /** A tool was pressed. */
  begin(): void;
  /** The pointer is at this place of the image, or has left it. */
  pointer(at: Point | undefined): void;
}

/** Turns pointer, wheel and arrow keys over the stage into gestures of the tool, panning and zooming. */
export class PointerInput {
  readonly #stage: Surface;
  readonly #marks: Marks;
  readonly #events: InputEvents;
  tool: Tool = brushTool;
  #brush: Brush = { radius: 24, softness: 0.3 };
  #gesture: Gesture | undefined;
  /** Where the pointer is in the stage, or was put by the arrow keys. */
  #at: Point | undefined;
  /** The pointer that pans, and where it was last. */
  #pan: Point | undefined;
  readonly #touches = new Map<number, Point>();
  /** Space is held. */
  panning = false;

  constructor(stage: Surface, marks: Marks, events: InputEvents) {
    this.#stage = stage;
    this.#marks = marks;
    this.#events = events;
    const { element } = stage;
    element.addEventListener('pointerdown', (event) => this.#down(event));
    element.addEventListener('pointermove', (event) => this.#move(event));
    element.addEventListener('pointerup', (event) => this.#up(event));
    element.addEventListener('pointercancel', (event) => this.#up(event, true));
    element.addEventListener('pointerleave', () => this.#leave());
    element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    element.addEventListener('blur', () => this.#marks.crosshair(undefined));
  }

  set brush(brush: Brush) {
    this.#brush = brush;
    this.#showBrush();
  }

  /** Something is being painted. */
  get busy(): boolean {
    return this.#gesture !== undefined;
  }

  /** Resets the state of another image. */
  reset(): void {
    this.#gesture = undefined;
    this.#at = undefined;
    this.#showBrush();
  }

  /** Cancels the gesture. @returns whether there was one */
  cancel(): boolean {
    const busy = this.busy;
    this.#gesture?.cancel();
    this.#gesture = undefined;
    return busy;
  }

  /** Moves the tool by pixels of the picture, as the pointer would. */
  nudge(dx: number, dy: number): Point {
    const { size, view } = this.#stage;
    this.#at ??= { x: size.width / 2, y: size.height / 2 };
    const from = toPicture(view, this.#at);
    const picture = this.#stage.picture!.size;
    const to = {
      x: Math.min(picture.width, Math.max(0, Math.round(from.x) + dx)),
      y: Math.min(picture.height, Math.max(0, Math.round(from.y) + dy)),
    };
    this.#at = toStage(view, to);
    this.#gesture?.move([to]);
    this.#marks.crosshair(this.#at);
    this.#pointed();
    return to;
  }

  /** Presses the tool where it is, or releases it. @returns whether it is pressed now */
  press(modifiers: Modifiers): boolean {
    if (this.#gesture) this.#end();
    else this.#begin(toPicture(this.#stage.view, this.#at ?? this.#middle()), modifiers);
    return this.busy;
  }

  #middle(): Point {
    const { width, height } = this.#stage.size;
    return { x: width / 2, y: height / 2 };
  }

  #down(event: PointerEvent): void {
    if (!this.#stage.picture) return;
    this.#stage.element.focus({ preventScroll: true });
    this.#marks.crosshair(undefined);
    const at = this.#place(event);
    this.#stage.element.setPointerCapture(event.pointerId);
    if (event.pointerType === 'touch') {
      this.#touches.set(event.pointerId, at);
      if (this.#touches.size === 2) this.cancel();
      if (this.#touches.size > 1) return;
    }
    if (event.button === 1 || this.panning || this.tool.pans) {
      event.preventDefault();
      this.#pan = at;
      this.#cursor();
    } else if (event.button === 0) {
      this.#begin(toPicture(this.#stage.view, at), modifiersOf(event));
    }
  }

  #begin(at: Point, modifiers: Modifiers): void {
    const context = this.#stage.context(this.#brush);
    if (!context) return;
    this.#events.begin();
    this.#gesture = this.tool.begin(context, at, modifiers);
  }

  #move(event: PointerEvent): void {
    const at = this.#place(event);
    this.#at = at;
    if (this.#touches.has(event.pointerId) && this.#touches.size === 2) this.#pinch(event.pointerId, at);
    else if (this.#pan) {
      const { view } = this.#stage;
      this.#stage.move({ ...view, left: view.left + at.x - this.#pan.x, top: view.top + at.y - this.#pan.y });
      this.#pan = at;
    } else if (this.#gesture) {
      // All positions of the pointer since the last frame.
      const events = event.getCoalescedEvents?.() ?? [];
      const places = (events.length > 0 ? events : [event]).map((each) => this.#place(each));
      this.#gesture.move(places.map((place) => toPicture(this.#stage.view, place)));
    } else {
      const context = this.tool.hover && this.#stage.context(this.#brush);
      if (context) this.tool.hover!(context, toPicture(this.#stage.view, at), modifiersOf(event));
    }
    this.#pointed();
  }

  /** Two fingers zoom and move. */
  #pinch(id: number, to: Point): void {
    const [other] = [...this.#touches].filter(([touch]) => touch !== id).map(([, place]) => place);
    const from = this.#touches.get(id)!;
    const spread = (place: Point) => Math.hypot(place.x - other!.x, place.y - other!.y);
    const middle = { x: (from.x + other!.x) / 2, y: (from.y + other!.y) / 2 };
    this.#stage.zoomBy(spread(to) / Math.max(1, spread(from)), middle);
    const { view } = this.#stage;
    this.#stage.move({ ...view, left: view.left + (to.x - from.x) / 2, top: view.top + (to.y - from.y) / 2 });
    this.#touches.set(id, to);
  }

  #up(event: PointerEvent, cancelled = false): void {
    this.#touches.delete(event.pointerId);
    this.#pan = undefined;
    if (cancelled) this.cancel();
    else if (this.#gesture) this.#end();
    this.#cursor();
  }

  #end(): void {
    this.#gesture?.end();
    this.#gesture = undefined;
  }

  #leave(): void {
    if (this.#gesture || this.#pan) return;
    this.#at = undefined;
    const context = this.tool.hover && this.#stage.context(this.#brush);
    if (context) this.tool.hover!(context, undefined, { alt: false, shift: false });
    this.#pointed();
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    if (event.shiftKey) {
      const { view } = this.#stage;
      const across = (event.deltaX || event.deltaY) * lines;
      this.#stage.move({ ...view, left: view.left - across });
    } else {
      // Browsers report a pinch on a touchpad as a wheel with Control.
      const base = event.ctrlKey ? PINCH_ZOOM : WHEEL_ZOOM;
      this.#stage.zoomBy(base ** (-event.deltaY * lines), this.#place(event));
    }
    this.#pointed();
  }

  #place(event: MouseEvent): Point {
    const { left, top } = this.#stage.element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #pointed(): void {
    this.#showBrush();
    this.#events.pointer(this.#at && toPicture(this.#stage.view, this.#at));
  }

  #showBrush(): void {
    const shown = this.tool.usesBrush && !this.panning && this.#stage.picture ? this.#at : undefined;
    this.#marks.brush(shown, this.#brush.radius * this.#stage.view.scale);
    this.#cursor();
  }

  #cursor(): void {
    const { classList } = this.#stage.element;
    const pans = this.panning || this.tool.pans;
    classList.toggle('pans', pans || this.#pan !== undefined);
    classList.toggle('panning', this.#pan !== undefined);
    classList.toggle('brushes', this.tool.usesBrush && !pans);
  }
}

function modifiersOf({ altKey, shiftKey }: MouseEvent): Modifiers {
  return { alt: altKey, shift: shiftKey };
}
