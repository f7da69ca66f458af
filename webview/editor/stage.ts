import type { ComputedLevel } from '../../shared/api.ts';
import type { Crop, Extension } from '../../shared/editorProtocol.ts';
import { type Area, around, blankPatch, cut, type Patch, unite } from '../../shared/raster.ts';
import { controlPixels } from './controlPixels.ts';
import { EdgeFrame } from './edgeFrame.ts';
import { marginPixels } from './marginPixels.ts';
import { Marks } from './marks.ts';
import { type Colour, layOver } from './mask/colours.ts';
import type { Point } from './mask/strokes.ts';
import { MaskLayer } from './maskLayer.ts';
import { type MaskLook, maskPixels } from './maskPixels.ts';
import { PaintedMask } from './paintedMask.ts';
import { type PictureLayer, paint } from './pictureLayer.ts';
import { PointerInput } from './pointerInput.ts';
import { sampled } from './sampled.ts';
import { ScreenLayer } from './screenLayer.ts';
import type { Tool, ToolContext } from './tools/tool.ts';
import { centred, fit, kept, type Size, toStage, type ViewTransform, zoomAt } from './viewTransform.ts';

/** While the canvas can be extended: side of the visible area, as a multiple of the picture's. */
const ROOM = 1.6;

interface StageEvents {
  /** @param whole all of it was changed at once */
  mask(label: string, patch: Patch, whole?: boolean): void;
  control(label: string, patch: Patch): void;
  colours(label: string, patch: Patch): void;
  restore(patch: Patch): void;
  /** The picture was moved or zoomed. */
  view(): void;
  /** A tool was pressed. */
  begin(): void;
  select: ToolContext['select'];
  pick: ToolContext['pick'];
  hint: ToolContext['hint'];
  /** An edge of the canvas was moved. */
  extend(extension: Extension): void;
  crop(crop: Crop): void;
  /** The pointer is at this place of the image, or has left it. */
  pointer(at: Point | undefined): void;
}

/** The canvases of a picture, one over the other in a sheet that is zoomed and moved, and what is drawn over them. */
export class Stage {
  /** The element, with a reference to this stage, through which tests read the masks. */
  readonly element = Object.assign(document.createElement('div'), { stage: this });
  readonly #sheet = document.createElement('div');
  readonly #marks: Marks;
  readonly #preview = document.createElement('canvas');
  readonly #levels = document.createElement('canvas');
  #hover: MaskLayer | undefined;
  readonly #events: StageEvents;
  readonly input: PointerInput;
  readonly #extendFrame: EdgeFrame;
  readonly #cropFrame: EdgeFrame;
  #picture: PictureLayer | undefined;
  #mask: MaskLayer | undefined;
  #painted: PaintedMask | undefined;
  #erased: MaskLayer | undefined;
  /** Until they are needed there are none: they take more memory than a mask. */
  #control: MaskLayer | undefined;
  #colours: MaskLayer | undefined;
  #controlShown = true;
  #coloursShown = true;
  /** The colour that tools paint with. */
  paint: Colour = [0, 0, 0];
  #view: ViewTransform = { scale: 1, left: 0, top: 0 };
  /** The picture keeps fitting when the stage changes its size. */
  #fitting = true;
  #compare: number | undefined;
  #maskLook: MaskLook = { colour: [0, 120, 212], opacity: 0.5 };
  /** Pixels around the mask that are painted too. */
  #margin = 0;
  /** The outline of what is painted around selected objects is shown. */
  #objectsShown = false;
  /** Layers over the picture: the part being restored to the original, colours, control layer, margin and masks. */
  readonly #erasedOnScreen: ScreenLayer;
  readonly #coloursOnScreen: ScreenLayer;
  readonly #controlOnScreen: ScreenLayer;
  readonly #marginOnScreen: ScreenLayer;
  readonly #maskOnScreen: ScreenLayer;
  #size: Size = { width: 0, height: 0 };

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
    this.#erasedOnScreen = new ScreenLayer(
      'erased',
      () => this.#erased?.extent,
      (...place) => this.#drawErased(...place),
    );
    this.#coloursOnScreen = new ScreenLayer(
      'colours',
      () => (this.#coloursShown ? this.#colours?.extent : undefined),
      (context, area, view) => put(context, area, sampled(this.#colours!.raster, area, view)),
    );
    this.#controlOnScreen = new ScreenLayer(
      'control',
      () => (this.#controlShown ? this.#control?.extent : undefined),
      (context, area, view) => put(context, area, controlPixels(area, view, this.#control!.raster)),
    );
    this.#marginOnScreen = new ScreenLayer(
      'margin',
      () => this.#marginExtent(),
      (context, area, view) => put(context, area, this.#marginPixels(area, view)),
    );
    this.#maskOnScreen = new ScreenLayer(
      'mask',
      () => this.#maskExtent(),
      (...place) => this.#drawMasks(...place),
    );
    this.#extendFrame = new EdgeFrame('extend', (extension) => events.extend(extension));
    this.#cropFrame = new EdgeFrame('crop', (crop) => events.crop(crop));
    this.element.append(
      this.#sheet,
      this.#erasedOnScreen.canvas,
      this.#coloursOnScreen.canvas,
      this.#controlOnScreen.canvas,
      this.#marginOnScreen.canvas,
      this.#maskOnScreen.canvas,
      this.#extendFrame.element,
      this.#cropFrame.element,
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

  /** What an edit with a prompt paints of the mask; undefined until a picture is open. */
  get painted(): PaintedMask | undefined {
    return this.#painted;
  }

  /** What steers edits, RGB; undefined until a picture is open. */
  get control(): MaskLayer | undefined {
    if (!this.#control && this.#picture) {
      this.#control = new MaskLayer(this.#picture.size, this.#events.control, 3);
      this.#control.onDraw = (area) => this.#controlOnScreen.changed(area);
    }
    return this.#control;
  }

  /** Colours that edits begin with, RGBA; undefined until a picture is open. */
  get colours(): MaskLayer | undefined {
    if (!this.#colours && this.#picture) {
      this.#colours = new MaskLayer(this.#picture.size, this.#events.colours, 4);
      this.#colours.onDraw = (area) => this.#coloursOnScreen.changed(area);
    }
    return this.#colours;
  }

  set coloursShown(shown: boolean) {
    if (shown === this.#coloursShown) return;
    this.#coloursShown = shown;
    this.#coloursOnScreen.redraw();
  }

  /** The colours belong to an edit: the next stroke begins new ones. */
  set coloursSpent(spent: boolean) {
    if (this.#colours) this.#colours.spent = spent;
  }

  set controlShown(shown: boolean) {
    if (shown === this.#controlShown) return;
    this.#controlShown = shown;
    this.#controlOnScreen.redraw();
  }

  /** What a click would mask. */
  get hover(): MaskLayer | undefined {
    return this.#hover;
  }

  get view(): ViewTransform {
    return this.#view;
  }

  get fitting(): boolean {
    return this.#fitting;
  }

  /** Measured when it changes: asking the browser for it at each move would make it lay out the page. */
  get size(): Size {
    if (this.#size.width === 0) this.#measure();
    return this.#size;
  }

  #measure(): void {
    this.#size = { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  /** What tools change; undefined until a picture is open. */
  context(brush: ToolContext['brush']): ToolContext | undefined {
    const [mask, erased] = [this.#mask, this.#erased];
    if (!mask || !erased) return undefined;
    const [control, colours] = [() => this.control!, () => this.colours!];
    return {
      mask,
      erased,
      get control() {
        return control();
      },
      get colours() {
        return colours();
      },
      brush,
      paint: this.paint,
      select: this.#events.select,
      pick: this.#events.pick,
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
    this.#hover = new MaskLayer(picture.size, () => {});
    this.#painted = new PaintedMask(this.#mask.raster);
    this.#mask.onDraw = (area) => {
      this.#maskOnScreen.changed(area);
      this.#marginChanged(area);
    };
    this.#hover.onDraw = (area) => this.#maskOnScreen.changed(area);
    this.#erased = new MaskLayer(picture.size, (_, patch) => this.#events.restore(patch));
    this.#erased.onDraw = (area) => this.#erasedOnScreen.changed(area);
    this.#control = undefined;
    this.#colours = undefined;
    this.#controlOnScreen.redraw();
    this.#coloursOnScreen.redraw();
    picture.current.className = 'current';
    picture.before.className = 'before';
    this.#sheet.style.width = `${width}px`;
    this.#sheet.style.height = `${height}px`;
    this.#sheet.replaceChildren(picture.current, this.#preview, this.#levels, picture.before);
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

  /** The colour that is seen at a place: a painted one, else the picture's. Undefined beside it. */
  colourAt({ x, y }: Point): Colour | undefined {
    const { width, height } = this.#picture?.size ?? { width: 0, height: 0 };
    const [left, top] = [Math.floor(x), Math.floor(y)];
    if (left < 0 || top < 0 || left >= width || top >= height) return undefined;
    const { data } = this.#picture!.values('current', left, top, 1, 1);
    const pixel = Uint8Array.of(data[0]!, data[1]!, data[2]!, 255);
    const painted = this.#colours && cut(this.#colours.raster, { left, top, width: 1, height: 1 }).data;
    if (painted) layOver(pixel, painted.subarray(3), [painted[0]!, painted[1]!, painted[2]!]);
    return [pixel[0]!, pixel[1]!, pixel[2]!];
  }

  /** Shows the edges by which the canvas is extended; undefined hides them. */
  extending(extension: Extension | undefined): void {
    const frame = this.#extendFrame;
    const changed = frame.shown !== (extension !== undefined);
    frame.shown = extension !== undefined;
    if (extension) frame.distances = extension;
    if (changed && this.#fitting) this.fit();
  }

  /** Shows the edges at which the canvas is cropped; undefined hides them. */
  cropping(crop: Crop | undefined): void {
    this.#cropFrame.shown = crop !== undefined;
    if (crop) this.#cropFrame.distances = crop;
  }

  /** New pixels; what was erased there is part of them. */
  write(patch: Patch): void {
    this.#picture?.write(patch);
    this.#erased?.write(blankPatch(patch));
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
    if (bounds) this.#hover!.write(blankPatch(bounds));
    if (patch) this.#hover?.write(patch);
  }

  /** Colour of the mask, and of the preview of a click. */
  set maskColour(colour: Colour) {
    this.#maskLook = { ...this.#maskLook, colour };
    this.#maskOnScreen.redraw();
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
    if (opacity === this.#maskLook.opacity) return;
    this.#maskLook = { ...this.#maskLook, opacity };
    this.#maskOnScreen.redraw();
  }

  /** Shows the outline of what is painted around the mask too; 0 hides it. */
  set margin(pixels: number) {
    if (pixels === this.#margin) return;
    this.#margin = pixels;
    this.#marginOnScreen.redraw();
  }

  /** Shows the outline of what is painted around selected objects. */
  set objectsShown(shown: boolean) {
    if (shown === this.#objectsShown) return;
    this.#objectsShown = shown;
    this.#marginOnScreen.redraw();
  }

  /** Where objects are selected has other values. */
  select(patch: Patch): void {
    if (!this.#painted) return;
    const was = this.#painted.margin;
    this.#painted.select(patch);
    if (was === this.#painted.margin) this.#marginChanged(patch);
    else this.#marginOnScreen.redraw();
  }

  /** Mask or objects have other values in an area. */
  #marginChanged(area: Area): void {
    const reach = this.#reach();
    this.#painted?.changed(area);
    if (reach > 0) this.#marginOnScreen.changed(around(area, reach));
  }

  /** Pixels around the mask in which there is an outline of what is painted; 0: none is shown. */
  #reach(): number {
    return this.#margin || (this.#objectsShown ? (this.#painted?.margin ?? 0) : 0);
  }

  #marginExtent(): Area | undefined {
    const reach = this.#reach();
    const extent = reach > 0 ? this.#mask?.extent : undefined;
    return extent && around(extent, reach);
  }

  #marginPixels(area: Area, view: ViewTransform): Uint8ClampedArray<ArrayBuffer> {
    return this.#margin > 0
      ? marginPixels(area, view, this.#mask!.raster, this.#margin)
      : marginPixels(area, view, this.#painted!.raster, 0);
  }

  /** Where there is a mask, or what a click would mask. */
  #maskExtent(): Area | undefined {
    const [mask, hover] = [this.#mask?.extent, this.#hover?.extent];
    return mask && hover ? unite(mask, hover) : (mask ?? hover);
  }

  #drawMasks(context: CanvasRenderingContext2D, area: Area, view: ViewTransform): void {
    const masks = { mask: this.#mask!.raster, hint: this.#hover!.raster };
    put(context, area, maskPixels(area, view, masks, this.#maskLook));
  }

  /** The original picture where it is being restored. */
  #drawErased(context: CanvasRenderingContext2D, area: Area, { scale, left, top }: ViewTransform): void {
    this.#picture!.complete();
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    context.imageSmoothingEnabled = scale < 2;
    context.setTransform(scale, 0, 0, scale, left, top);
    context.drawImage(this.#picture!.before, 0, 0);
    context.restore();
    const image = context.getImageData(area.left, area.top, area.width, area.height);
    const coverage = sampled(this.#erased!.raster, area, { scale, left, top });
    for (const [i, value] of coverage.entries())
      image.data[4 * i + 3] = (image.data[4 * i + 3]! * value) / 255;
    context.putImageData(image, area.left, area.top);
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
    this.#measure();
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
    const layers = [
      this.#erasedOnScreen,
      this.#coloursOnScreen,
      this.#controlOnScreen,
      this.#marginOnScreen,
      this.#maskOnScreen,
    ];
    for (const layer of layers) layer.follow(this.#view, this.size);
    for (const frame of [this.#extendFrame, this.#cropFrame])
      if (this.#picture) frame.follow(this.#picture.size, this.#view);
    const [width, height] = [this.#picture?.size.width ?? 0, this.#picture?.size.height ?? 0].map(
      (side) => side * scale,
    );
    const place = { left, top, width: width!, height: height! };
    this.#marks.compare(this.#compare === undefined ? undefined : { ...place, fraction: this.#compare });
  }
}

/** Puts RGBA pixels, row by row, into an area of a canvas. */
function put(
  context: CanvasRenderingContext2D,
  area: Area,
  { buffer }: Uint8Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>,
): void {
  const { left, top, width, height } = area;
  context.putImageData(new ImageData(new Uint8ClampedArray(buffer), width, height), left, top);
}
