import type { ComputedLevel } from '../../shared/api.ts';
import type { Extension } from '../../shared/editorProtocol.ts';
import type { Patch } from '../../shared/raster.ts';
import { ExtendFrame } from './extendFrame.ts';
import { Marks } from './marks.ts';
import type { Point } from './mask/strokes.ts';
import { type Colour, MaskLayer } from './maskLayer.ts';
import { MaskMarks } from './maskMarks.ts';
import { type PictureLayer, paint } from './pictureLayer.ts';
import { PointerInput } from './pointerInput.ts';
import type { Tool, ToolContext } from './tools/tool.ts';
import { centred, fit, kept, type Size, toStage, type ViewTransform, zoomAt } from './viewTransform.ts';

/** Of a picture whose canvas can be extended: the side of what fits, for each of its own. */
const ROOM = 1.6;

interface StageEvents {
  mask(label: string, patch: Patch): void;
  restore(patch: Patch): void;
  /** The picture was moved or zoomed. */
  view(): void;
  /** A tool was pressed. */
  begin(): void;
  select: ToolContext['select'];
  hint: ToolContext['hint'];
  /** An edge of the canvas was moved. */
  extend(extension: Extension): void;
  /** The pointer is at this place of the image, or has left it. */
  pointer(at: Point | undefined): void;
}

/** The canvases of a picture, one over the other in a sheet that is zoomed and moved, and what is drawn over them. */
export class Stage {
  readonly element = document.createElement('div');
  readonly #sheet = document.createElement('div');
  readonly #marks: Marks;
  readonly #maskMarks = new MaskMarks();
  readonly #preview = document.createElement('canvas');
  readonly #levels = document.createElement('canvas');
  /** The area that a click would mask. */
  #hover: MaskLayer | undefined;
  readonly #events: StageEvents;
  readonly input: PointerInput;
  readonly #extendFrame: ExtendFrame;
  #picture: PictureLayer | undefined;
  #mask: MaskLayer | undefined;
  #erased: MaskLayer | undefined;
  #view: ViewTransform = { scale: 1, left: 0, top: 0 };
  /** The picture keeps fitting when the stage changes its size. */
  #fitting = true;
  #compare: number | undefined;
  #maskOpacity = 0.5;

  constructor(events: StageEvents) {
    this.#events = events;
    this.element.className = 'stage';
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'application');
    this.#sheet.className = 'sheet';
    this.#preview.className = 'preview';
    this.#levels.className = 'levels';
    this.#marks = new Marks((fraction) => {
      this.compare = fraction;
    });
    this.#extendFrame = new ExtendFrame((extension) => events.extend(extension));
    this.element.append(
      this.#sheet,
      this.#maskMarks.canvas,
      this.#extendFrame.element,
      ...this.#marks.elements,
    );
    this.input = new PointerInput(this, this.#marks, events);
    new ResizeObserver(() => this.#resized()).observe(this.element);
  }

  /** Undefined until a picture is open. */
  get picture(): PictureLayer | undefined {
    return this.#picture;
  }

  get mask(): MaskLayer | undefined {
    return this.#mask;
  }

  get view(): ViewTransform {
    return this.#view;
  }

  get fitting(): boolean {
    return this.#fitting;
  }

  get size(): Size {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  /** What tools work on; undefined until a picture is open. */
  context(brush: ToolContext['brush']): ToolContext | undefined {
    if (!this.#mask || !this.#erased) return undefined;
    return {
      mask: this.#mask,
      erased: this.#erased,
      brush,
      select: this.#events.select,
      hint: this.#events.hint,
      outline: (points, closed) =>
        this.#marks.outline(
          points.map((point) => toStage(this.#view, point)),
          closed,
        ),
    };
  }

  /** Shows a picture without mask; `view` of one of the same size may be kept. */
  show(picture: PictureLayer, name: string): void {
    const { width, height } = picture.size;
    const same = this.#picture?.size.width === width && this.#picture.size.height === height;
    this.#picture = picture;
    this.#mask = new MaskLayer(picture.size, this.#events.mask);
    this.#mask.onDraw = () => this.#markMask();
    this.#hover = new MaskLayer(picture.size, () => {});
    this.#hover.canvas.className = 'hover';
    this.#erased = new MaskLayer(
      picture.size,
      (_, patch) => this.#events.restore(patch),
      ({ left, top, width, height }) => picture.values('before', left, top, width, height),
    );
    picture.current.className = 'current';
    picture.before.className = 'before';
    this.#mask.canvas.className = 'mask';
    this.#sheet.style.width = `${width}px`;
    this.#sheet.style.height = `${height}px`;
    this.#sheet.replaceChildren(
      picture.current,
      this.#erased.canvas,
      this.#preview,
      this.#levels,
      this.#mask.canvas,
      this.#hover.canvas,
      picture.before,
    );
    this.element.setAttribute(
      'aria-label',
      `${name}, ${width} by ${height} pixels. Arrow keys move the tool, Enter presses and releases it, plus and minus zoom.`,
    );
    this.#preview.hidden = true;
    this.#levels.hidden = true;
    this.compare = this.#compare;
    if (!same || this.#fitting) this.fit();
    this.input.reset();
  }

  /** Shows the picture on a canvas of another size, at the place of the stage where it was. */
  reframe(picture: PictureLayer, name: string): void {
    const { frame } = this.#picture!;
    const { view } = this;
    this.show(picture, name);
    if (this.#fitting) return;
    this.move({
      scale: view.scale,
      left: view.left + (picture.frame.left - frame.left) * view.scale,
      top: view.top + (picture.frame.top - frame.top) * view.scale,
    });
  }

  /** Shows the edges by which the canvas is extended; undefined hides them. */
  extending(extension: Extension | undefined): void {
    const frame = this.#extendFrame;
    const changed = frame.shown !== (extension !== undefined);
    frame.shown = extension !== undefined;
    if (extension) frame.extension = extension;
    if (changed && this.#fitting) this.fit();
  }

  /** New pixels; what was erased there is part of them. */
  write(patch: Patch): void {
    this.#picture?.write(patch);
    this.#erased?.write({ ...patch, data: new Uint8Array(patch.width * patch.height) });
  }

  /** A preview of a part, over the image; undefined hides it. */
  async preview(part?: Patch | { left: number; top: number; png: Uint8Array<ArrayBuffer> }): Promise<void> {
    const canvas = this.#preview;
    if (!part || !this.#picture) {
      canvas.hidden = true;
      return;
    }
    if ('png' in part) {
      const bitmap = await createImageBitmap(new Blob([part.png], { type: 'image/png' }));
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
      bitmap.close();
    } else {
      canvas.width = part.width;
      canvas.height = part.height;
      paint(canvas, part, this.#picture.current, { left: 0, top: 0 });
    }
    canvas.style.left = `${part.left}px`;
    canvas.style.top = `${part.top}px`;
    canvas.hidden = false;
  }

  /** What a click would mask; undefined hides it. */
  showHover(patch?: Patch): void {
    const bounds = this.#hover?.bounds;
    if (bounds) this.#hover!.write({ ...bounds, data: new Uint8Array(bounds.width * bounds.height) });
    if (patch) this.#hover?.write(patch);
  }

  /** Of the mask, and of what a click would mask. */
  set maskColour(colour: Colour) {
    for (const layer of [this.#mask, this.#hover]) if (layer) layer.colour = colour;
  }

  /** Shows which positions of a level were computed; undefined hides it. */
  showLevel(level?: ComputedLevel): void {
    const canvas = this.#levels;
    canvas.hidden = !level;
    if (!level) return;
    const { width, height, cell, positions } = level;
    canvas.width = width;
    canvas.height = height;
    Object.assign(canvas.style, {
      left: `${level.left}px`,
      top: `${level.top}px`,
      width: `${width * cell}px`,
      height: `${height * cell}px`,
    });
    const image = new ImageData(width, height);
    for (const [i, computed] of positions.entries())
      image.data.set(computed ? [0, 0, 0, 0] : [0, 0, 0, 150], 4 * i);
    canvas.getContext('2d')!.putImageData(image, 0, 0);
  }

  /** How much the mask's colour covers the picture, 0 … 1; at 0 only its outline is drawn. */
  set maskOpacity(opacity: number) {
    this.#maskOpacity = opacity;
    this.element.style.setProperty('--mask-opacity', String(opacity));
    this.#markMask();
  }

  #markMask(): void {
    this.#maskMarks.show(this.#mask?.raster, this.#view, this.size, this.#maskOpacity > 0);
  }

  /** How far from the left the picture is shown as it was, 0 … 1; undefined shows it as it is. */
  get compare(): number | undefined {
    return this.#compare;
  }

  set compare(fraction: number | undefined) {
    this.#compare = fraction;
    const before = this.#picture?.before;
    if (!before) return;
    before.hidden = fraction === undefined;
    before.style.clipPath = `inset(0 ${100 - 100 * (fraction ?? 0)}% 0 0)`;
    this.#place();
  }

  set tool(tool: Tool) {
    this.input.tool = tool;
  }

  set brush(brush: ToolContext['brush']) {
    this.input.brush = brush;
  }

  fit(): void {
    if (!this.#picture) return;
    this.#fitting = true;
    const { size } = this.#picture;
    const isExtending = this.#extendFrame.shown;
    // With room to drag the edges into.
    const room = { width: size.width * ROOM, height: size.height * ROOM };
    this.#set(isExtending ? centred(size, this.size, fit(room, this.size).scale) : fit(size, this.size));
  }

  /** Zooms to this many pixels of the screen for each of the image, about the middle of the stage. */
  zoomTo(scale: number): void {
    if (!this.#picture) return;
    const middle = { x: this.size.width / 2, y: this.size.height / 2 };
    const whole = this.#fitting && centred(this.#picture.size, this.size, scale);
    this.move(whole || zoomAt(this.#view, middle, scale / this.#view.scale));
  }

  zoomBy(factor: number, at?: Point): void {
    const middle = { x: this.size.width / 2, y: this.size.height / 2 };
    this.move(zoomAt(this.#view, at ?? middle, factor));
  }

  move(view: ViewTransform): void {
    if (!this.#picture) return;
    this.#fitting = false;
    this.#set(kept(view, this.#picture.size, this.size));
  }

  #resized(): void {
    if (this.#fitting) this.fit();
    else this.move(this.#view);
  }

  #set(view: ViewTransform): void {
    this.#view = view;
    this.#place();
    this.#events.view();
  }

  #place(): void {
    const { scale, left, top } = this.#view;
    this.#sheet.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    this.#sheet.classList.toggle('pixels', scale >= 2);
    this.#markMask();
    if (this.#picture) this.#extendFrame.follow(this.#picture.size, this.#view);
    const [width, height] = [this.#picture?.size.width ?? 0, this.#picture?.size.height ?? 0].map(
      (side) => side * scale,
    );
    const place = { left, top, width: width!, height: height! };
    this.#marks.compare(this.#compare === undefined ? undefined : { ...place, fraction: this.#compare });
  }
}
