import type { Point } from './mask/strokes.ts';

/** Pixels of the screen that one side of a comparison must have to be named. */
const LABELLED = 76;
const SVG = 'http://www.w3.org/2000/svg';

/** Where the picture is in the stage, and how much of it is shown as it was. */
interface Compared {
  left: number;
  top: number;
  width: number;
  height: number;
  fraction: number;
}

/** Lines over the stage, in its own pixels: the brush, the outline of a shape, the handle of the comparison. */
export class Marks {
  readonly #lines = document.createElementNS(SVG, 'svg');
  readonly #ring = document.createElementNS(SVG, 'g');
  readonly #cross = document.createElementNS(SVG, 'path');
  readonly #outline = document.createElementNS(SVG, 'g');
  readonly #handle = document.createElement('div');
  readonly #onCompare: (fraction: number) => void;
  #compared: Compared | undefined;

  constructor(onCompare: (fraction: number) => void) {
    this.#onCompare = onCompare;
    this.#lines.classList.add('marks');
    this.#lines.setAttribute('aria-hidden', 'true');
    // Two lines each, dark and light, are visible on any image.
    for (const [group, shape] of [[this.#ring, 'circle'] as const, [this.#outline, 'polyline'] as const])
      for (const shade of ['dark', 'light']) {
        const line = document.createElementNS(SVG, shape);
        line.classList.add(shade);
        group.append(line);
      }
    this.#cross.classList.add('light');
    this.#cross.setAttribute('d', 'M-9 0h6M3 0h6M0 -9v6M0 3v6');
    this.#lines.append(this.#outline, this.#ring, this.#cross);
    this.#makeHandle();
    this.brush(undefined, 0);
    this.crosshair(undefined);
    this.outline([], false);
    this.compare(undefined);
  }

  get elements(): Element[] {
    return [this.#lines, this.#handle];
  }

  /** A ring of a radius in pixels of the stage; undefined hides it. */
  brush(at: Point | undefined, radius: number): void {
    this.#ring.classList.toggle('gone', !at);
    if (!at) return;
    for (const circle of this.#ring.children) {
      circle.setAttribute('cx', String(at.x));
      circle.setAttribute('cy', String(at.y));
      circle.setAttribute('r', String(Math.max(1.5, radius)));
    }
  }

  /** Where the arrow keys have moved the tool; undefined hides it. */
  crosshair(at: Point | undefined): void {
    this.#cross.classList.toggle('gone', !at);
    if (at) this.#cross.setAttribute('transform', `translate(${at.x} ${at.y})`);
  }

  outline(points: readonly Point[], closed: boolean): void {
    this.#outline.classList.toggle('gone', points.length === 0);
    const all = closed && points.length > 0 ? [...points, points[0]!] : points;
    const text = all.map(({ x, y }) => `${x},${y}`).join(' ');
    for (const line of this.#outline.children) line.setAttribute('points', text);
  }

  /** The handle between before and after. */
  compare(compared: Compared | undefined): void {
    this.#compared = compared;
    this.#handle.hidden = !compared;
    if (!compared) return;
    const { left, top, width, height, fraction } = compared;
    Object.assign(this.#handle.style, {
      left: `${left + width * fraction}px`,
      top: `${top}px`,
      height: `${height}px`,
    });
    this.#handle.setAttribute('aria-valuenow', String(Math.round(100 * fraction)));
    // Each word only if there is something of its side to see.
    this.#handle.classList.toggle('no-before', width * fraction < LABELLED);
    this.#handle.classList.toggle('no-after', width * (1 - fraction) < LABELLED);
  }

  #makeHandle(): void {
    const handle = this.#handle;
    handle.className = 'compare';
    handle.tabIndex = 0;
    handle.setAttribute('role', 'slider');
    handle.setAttribute('aria-label', 'Before and after: percent of the image that is shown as it was');
    handle.setAttribute('aria-valuemin', '0');
    handle.setAttribute('aria-valuemax', '100');
    const grip = document.createElement('span');
    grip.className = 'grip codicon codicon-arrow-both';
    handle.append(grip, ...['Before', 'After'].map(labelled));
    handle.addEventListener('pointerdown', (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener('pointermove', (event) => {
      if (!handle.hasPointerCapture(event.pointerId) || !this.#compared) return;
      const stage = handle.parentElement!.getBoundingClientRect();
      this.#moveTo((event.clientX - stage.left - this.#compared.left) / this.#compared.width);
    });
    handle.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[
        event.key
      ];
      if (step === undefined || !this.#compared) return;
      event.preventDefault();
      event.stopPropagation();
      this.#moveTo(this.#compared.fraction + step);
    });
  }

  #moveTo(fraction: number): void {
    this.#onCompare(Math.min(1, Math.max(0, fraction)));
  }
}

/** The word beside the line that says which side this is; screen readers know it from the handle. */
function labelled(text: string): Element {
  const label = document.createElement('span');
  label.className = `side-label ${text.toLowerCase()}`;
  label.textContent = text;
  label.setAttribute('aria-hidden', 'true');
  return label;
}
