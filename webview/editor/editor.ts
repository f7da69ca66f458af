import type {
  Crop,
  EditDraft,
  EditorHostMessage,
  EditorPageMessage,
  EditorState,
  PicturePlace,
  SavedEditor,
} from '../../shared/editorProtocol.ts';
import { removalMargin } from '../../shared/margins.ts';
import { AdditionsForm, withWords } from '../additions/form.ts';
import { Announcer } from '../announcer.ts';
import { DragOut } from './dragOut.ts';
import { isOccupied, LiveDraft } from './liveDraft.ts';
import { colourOf, textOf } from './mask/colours.ts';
import type { Point } from './mask/strokes.ts';
import { MaskView } from './maskView.ts';
import { BRUSH_SIZES, brushSize, type EditorPage } from './page.ts';
import { startOf } from './saved.ts';
import { leavesPixels } from './sides.ts';
import { Stage } from './stage.ts';
import { Thumbnails } from './thumbnails.ts';
import { colourBrush } from './tools/colours.ts';
import { toolOf } from './tools/index.ts';
import type { Tool } from './tools/tool.ts';
import type { ViewTransform } from './viewTransform.ts';

/** Milliseconds that the pointer rests before a preview of a selection is requested. */
const HOVER_REST = 120;
/** Milliseconds that image and form stay as they are before the image is recorded for its next edit. */
const PREPARE_REST = 700;
/** Fields of the form that affect the recorded features. */
const RECORDED_BY: readonly (keyof EditDraft)[] = [
  'strength',
  'steps',
  'precision',
  'additions',
  'control',
  'budget',
  'zoom',
];

/** What the page needs from VS Code. */
interface EditorHost {
  send(message: EditorPageMessage): void;
  /** What the page stored before the window was reloaded. */
  readonly saved: SavedEditor | undefined;
  save(state: SavedEditor): void;
}

/** The state of the page, its stage, and the changes that concern both. */
export class Editor {
  readonly send: EditorHost['send'];
  readonly page: EditorPage;
  readonly mask: MaskView;
  readonly live: LiveDraft;
  readonly dragOut: DragOut;
  readonly announcer = new Announcer();
  readonly variations = new Thumbnails();
  readonly drawnEdits = new Thumbnails();
  readonly #host: EditorHost;
  readonly #draw: (page: EditorPage) => void;
  /** The crop that was being chosen when the page was unloaded, until it is shown again. */
  #crop: Crop | undefined;
  #hinting: number | undefined;
  #preparing: number | undefined;

  constructor(host: EditorHost, draw: (page: EditorPage) => void) {
    this.#host = host;
    this.#draw = draw;
    this.send = host.send;
    this.#crop = host.saved?.crop;
    this.page = this.#startPage(startOf(host.saved));
    this.mask = new MaskView(this.page, () => this.update());
    this.live = new LiveDraft(this);
    this.dragOut = new DragOut(this.page);
    this.stage.tool = this.page.tool;
    this.stage.paint = colourOf(this.page.paint);
    this.resizeBrush();
  }

  get stage(): Stage {
    return this.page.stage;
  }

  /** The view of a page that was unloaded or reloaded. */
  get savedView(): ViewTransform | undefined {
    return this.#host.saved?.view;
  }

  /** Renders the page and stores what a reload of the window must restore. */
  update(): void {
    const { draft, tool, size, softness, line, opacity, colour, paint, amount, crop, stage } = this.page;
    const view = stage.picture && !stage.fitting ? stage.view : undefined;
    // Before the image is loaded, its view is unknown.
    if (stage.picture)
      this.#host.save({
        version: 1,
        draft,
        tool: tool.id,
        size,
        softness,
        line,
        opacity,
        colour,
        paint,
        amount,
        ...(crop && { crop }),
        view,
      });
    this.#draw(this.page);
  }

  /** The user changes the form. */
  edit(change: Partial<EditDraft>): void {
    this.fill(change);
    if (RECORDED_BY.some((name) => name in change)) this.prepareSoon();
    this.update();
  }

  /** Fills fields of the form. */
  fill(change: Partial<EditDraft>): void {
    this.page.draft = { ...this.page.draft, ...change };
    this.showEdges();
    this.live.soon();
  }

  /** Draws the edges of the larger or smaller canvas while the form has one, and what is painted beyond the mask. */
  showEdges(): void {
    const { crop, draft, stage } = this.page;
    stage.extending(!crop && draft.way === 'extend' ? draft.extension : undefined);
    stage.cropping(crop);
    stage.margin = !crop && draft.way === 'remove' && stage.picture ? removalMargin(stage.picture.size) : 0;
    stage.objectsShown = !crop && draft.way === 'mask';
  }

  /** Chooses where the image is cropped; undefined ends that. */
  setCrop(crop: Crop | undefined): void {
    this.page.crop = crop;
    this.showEdges();
    this.update();
  }

  /** Shows the crop of before the page was unloaded, once the canvas has its size again. */
  restoreCrop(): void {
    const { picture } = this.page.stage;
    if (!this.#crop || !picture) return;
    if (leavesPixels(picture.size, this.#crop)) this.setCrop(this.#crop);
    this.#crop = undefined;
  }

  choose(tool: Tool): void {
    this.page.tool = tool;
    this.stage.tool = tool;
    this.stage.showHover();
    this.resizeBrush();
    this.announcer.announce(tool.title);
    this.update();
  }

  setBrush({ size = brushSize(this.page), softness = this.page.softness }): void {
    const whole = Math.min(BRUSH_SIZES.max, Math.max(BRUSH_SIZES.min, Math.round(size)));
    this.page[this.page.tool.draws ? 'line' : 'size'] = whole;
    this.page.softness = softness;
    this.resizeBrush();
    this.update();
  }

  /** Paints with another colour, #rrggbb. */
  setPaint(paint: string): void {
    this.page.paint = paint;
    this.stage.paint = colourOf(paint);
    this.update();
  }

  /** The brush is as large on the screen as its setting says, whatever the zoom. */
  resizeBrush(): void {
    const radius = Math.max(0.5, brushSize(this.page) / 2 / this.stage.view.scale);
    this.stage.brush = { radius, softness: this.page.tool.draws ? 0 : this.page.softness };
  }

  /** Takes a new state from the host. */
  setState(state: EditorState): void {
    const { page, announcer } = this;
    if (state.notice && state.notice !== page.state?.notice) announcer.announce(state.notice);
    announcer.announceRun(state.run);
    if (state.run && !page.state?.run) {
      page.runs++;
      // What is painted is looked at without the lines.
      this.showControl(false);
      this.showDraft({ type: 'live', on: page.live.on });
      this.live.runBegins();
    }
    this.variations.keep(state.variations.map(({ id }) => id));
    if (page.seen && !this.variations.patch(page.seen)) this.see(undefined);
    const wasOccupied = isOccupied(page.state);
    page.state = state;
    if (wasOccupied && !isOccupied(state)) this.live.free();
    if (!state.edited) this.stage.compare = undefined;
    this.mask.take(state.maskTaken);
  }

  /** Shows a variation in the image. */
  see(id: string | undefined): void {
    if (id === this.page.seen) return;
    this.page.seen = id;
    void this.stage.preview(id === undefined ? undefined : this.variations.patch(id));
    this.update();
  }

  /** Paints a level's computed positions over the image. */
  showLevel(level: number | undefined): void {
    this.page.level = level;
    this.stage.showLevel(level === undefined ? undefined : this.page.cost?.computed[level]);
    this.update();
  }

  showControl(shown: boolean): void {
    this.page.controlShown = shown;
    this.stage.controlShown = shown;
    this.update();
  }

  /** The control layer has other values. */
  controlChanged(): void {
    this.page.controlled = this.stage.control?.bounds !== undefined;
    this.showControl(true);
    this.prepareSoon();
    this.live.soon();
  }

  /** The mask is another one. */
  maskChanged(): void {
    this.mask.changed();
    this.#partChanged();
    this.live.soon();
  }

  /** Other colours are painted. */
  coloursChanged(): void {
    this.mask.coloursChanged();
    this.#partChanged();
    this.live.soon();
  }

  /** Paints with the colour that is seen at a place. */
  #pick(at: Point): void {
    const colour = this.stage.colourAt(at);
    if (!colour) return;
    this.setPaint(textOf(colour));
    this.choose(colourBrush);
  }

  /** Shows a draft in the image, under the outline of the mask, or hides it. One that comes during a run is too late. */
  showDraft({ on, patch, seconds, hindrance }: EditorHostMessage & { type: 'live' }): void {
    if (patch && this.page.state?.run) return;
    const wasShown = this.page.live.seconds !== undefined;
    this.page.live = { on, ...(seconds !== undefined && { seconds }), ...(hindrance && { hindrance }) };
    // The preview may be a run's own, or a variation.
    if (patch || wasShown) void this.stage.preview(patch);
    this.mask.drafted(patch !== undefined);
  }

  toggleCompare(): void {
    this.stage.compare = this.stage.compare === undefined ? 0.5 : undefined;
    this.update();
  }

  /** Reports that an edit is likely, once the user has stopped changing image and form. */
  prepareSoon(): void {
    clearTimeout(this.#preparing);
    this.#preparing = window.setTimeout(() => {
      const { stage, state, draft } = this.page;
      if (stage.picture && !state?.run) this.send({ type: 'prepare', draft });
    }, PREPARE_REST);
  }

  /** Of a large image, and where small masks are enlarged, what is painted decides which part is worked on. */
  #partChanged(): void {
    if (this.page.state?.large || this.page.draft.zoom) this.prepareSoon();
  }

  /** Requests a preview of a click, once the pointer rests. */
  #hint(place: PicturePlace | undefined): void {
    clearTimeout(this.#hinting);
    this.stage.showHover();
    if (place) this.#hinting = window.setTimeout(() => this.send({ type: 'hover', place }), HOVER_REST);
    else this.send({ type: 'hover' });
  }

  #startPage({ draft, tool, size, softness, line, opacity, colour, paint, amount }: SavedEditor): EditorPage {
    return {
      state: undefined,
      stage: this.#newStage(),
      draft,
      tool: toolOf(tool),
      size,
      softness,
      line,
      opacity,
      colour,
      paint,
      amount,
      additions: this.#newAdditions(),
      runs: 0,
      masked: false,
      maskShown: true,
      coloured: false,
      controlled: false,
      controlShown: true,
      live: { on: false },
      crop: undefined,
      cost: undefined,
      level: undefined,
      thumbnails: this.variations.urls,
      seen: undefined,
      edits: [],
      drawnEdits: this.drawnEdits.urls,
      fading: undefined,
    };
  }

  #newStage(): Stage {
    return new Stage({
      mask: (label, patch, whole) => {
        this.send({ type: 'mask', label, patch, ...(whole && { whole }) });
        this.maskChanged();
      },
      control: (label, patch) => {
        this.send({ type: 'control', label, patch });
        this.controlChanged();
      },
      colours: (label, patch) => {
        this.send({ type: 'colours', label, patch });
        this.coloursChanged();
      },
      restore: (patch) => this.send({ type: 'restore', patch }),
      view: () => {
        this.resizeBrush();
        this.update();
      },
      begin: () => {
        this.live.stop();
        if (this.page.tool.draws) this.showControl(true);
        else this.mask.show(true);
      },
      select: (place, how) => this.send({ type: 'select', place, how }),
      pick: (at) => this.#pick(at),
      hint: (place) => this.#hint(place),
      pointer: showPointer,
      extend: (extension) => this.edit({ extension }),
      crop: (crop) => this.setCrop(crop),
    });
  }

  #newAdditions(): AdditionsForm {
    return new AdditionsForm({
      get: () => this.page.draft.additions,
      set: (additions) => this.edit({ additions }),
      readsImages: () => this.page.state?.readsImages ?? false,
      insert: (words) => this.edit({ prompt: withWords(this.page.draft.prompt, words) }),
      send: this.send,
      update: () => this.update(),
      masks: {
        available: () => this.page.masked,
        give: (place) => this.send({ type: 'giveMask', place }),
      },
    });
  }
}

/** Writes the pointer's position into the status strip, without rendering the page. */
function showPointer(at: { x: number; y: number } | undefined): void {
  const text = document.querySelector('.pointer');
  if (text) text.textContent = at ? `${Math.floor(at.x)}, ${Math.floor(at.y)}` : '';
}
