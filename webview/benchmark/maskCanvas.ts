/** Cells along the longer side: about as many as a small picture has latent positions. */
const CELLS = 64;
/** Cells around the middle of a stroke that it paints. */
const RADIUS = 2;

/**
 * `<mask-canvas>`: a small mask to paint. The pointer paints, with Shift it erases; arrow keys move the brush, Space
 * paints, Delete erases. Fires `change` at the end of a stroke.
 */
export class MaskCanvas extends HTMLElement {
  readonly #canvas = document.createElement('canvas');
  #painted = false;
  #cursor: [number, number] = [0, 0];
  #focused = false;

  /** The painted mask, separate from the drawing, which also shows the brush. */
  readonly #mask = document.createElement('canvas');

  constructor() {
    super();
    this.#resize(CELLS, CELLS);
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute('role', 'application');
    this.#canvas.setAttribute('aria-roledescription', 'mask to paint');
    this.#canvas.addEventListener('pointerdown', (event) => this.#stroke(event));
    this.#canvas.addEventListener('pointermove', (event) => event.buttons && this.#stroke(event));
    this.#canvas.addEventListener('pointerup', () => this.#changed());
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
    for (const type of ['focus', 'blur'])
      this.#canvas.addEventListener(type, () => {
        this.#focused = type === 'focus';
        this.#show();
      });
  }

  connectedCallback(): void {
    this.append(this.#canvas);
    this.#describe();
    this.#show();
  }

  /** Gives the canvas a picture's proportions; what is painted is stretched. */
  set proportions({ width, height }: { width: number; height: number }) {
    const cells = CELLS / Math.max(width, height);
    const [across, down] = [Math.max(1, Math.round(width * cells)), Math.max(1, Math.round(height * cells))];
    if (across === this.#mask.width && down === this.#mask.height) return;
    const before = document.createElement('canvas');
    before.width = this.#mask.width;
    before.height = this.#mask.height;
    before.getContext('2d')!.drawImage(this.#mask, 0, 0);
    this.#resize(across, down);
    this.#context.drawImage(before, 0, 0, across, down);
    this.#show();
  }

  /** The mask as a data URL, or undefined if nothing is painted. */
  get url(): string | undefined {
    return this.#painted ? this.#mask.toDataURL('image/png') : undefined;
  }

  /** Paints a kept mask. */
  async restore(url: string): Promise<void> {
    const image = new Image();
    image.src = url;
    await image.decode();
    this.#context.drawImage(image, 0, 0, this.#mask.width, this.#mask.height);
    this.#painted = true;
    this.#describe();
    this.#show();
  }

  /** White where it is painted, as a PNG file; undefined if nothing is. */
  async png(): Promise<Uint8Array | undefined> {
    if (!this.#painted) return undefined;
    const blob = await new Promise<Blob | null>((resolve) => this.#mask.toBlob(resolve, 'image/png'));
    return blob ? new Uint8Array(await blob.arrayBuffer()) : undefined;
  }

  clear(): void {
    this.#resize(this.#mask.width, this.#mask.height);
    this.#painted = false;
    this.#changed();
  }

  get #context(): CanvasRenderingContext2D {
    return this.#mask.getContext('2d')!;
  }

  #resize(width: number, height: number): void {
    for (const canvas of [this.#mask, this.#canvas]) {
      canvas.width = width;
      canvas.height = height;
    }
    this.#context.fillStyle = 'black';
    this.#context.fillRect(0, 0, width, height);
    this.#cursor = [Math.floor(width / 2), Math.floor(height / 2)];
  }

  #stroke(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - left) / width) * this.#mask.width);
    const y = Math.floor(((event.clientY - top) / height) * this.#mask.height);
    this.#cursor = [x, y];
    this.#paint(event.shiftKey);
  }

  #key(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-RADIUS, 0],
      ArrowRight: [RADIUS, 0],
      ArrowUp: [0, -RADIUS],
      ArrowDown: [0, RADIUS],
    };
    const step = steps[event.key];
    const [x, y] = this.#cursor;
    const within = (value: number, size: number) => Math.min(size - 1, Math.max(0, value));
    if (step) this.#cursor = [within(x + step[0], this.#mask.width), within(y + step[1], this.#mask.height)];
    else if (event.key === ' ') this.#paint(false);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.#paint(true);
    else return;
    event.preventDefault();
    if (step) this.#show();
    else this.#changed();
  }

  #paint(erase: boolean): void {
    const [x, y] = this.#cursor;
    this.#context.fillStyle = erase ? 'black' : 'white';
    this.#context.fillRect(x - RADIUS, y - RADIUS, 2 * RADIUS + 1, 2 * RADIUS + 1);
    this.#show();
  }

  #changed(): void {
    const { data } = this.#context.getImageData(0, 0, this.#mask.width, this.#mask.height);
    this.#painted = data.some((value, i) => i % 4 === 0 && value > 127);
    this.#describe();
    this.#show();
    this.dispatchEvent(new Event('change'));
  }

  #describe(): void {
    const { data } = this.#context.getImageData(0, 0, this.#mask.width, this.#mask.height);
    const white = data.filter((value, i) => i % 4 === 0 && value > 127).length;
    const percent = ((400 * white) / data.length).toFixed(0);
    const keys = 'Arrow keys move the brush, Space paints, Delete erases.';
    this.#canvas.setAttribute('aria-label', `Mask, ${percent} % painted. ${keys}`);
  }

  /** The mask in the theme's colours, and the brush while the keyboard is here. */
  #show(): void {
    const context = this.#canvas.getContext('2d')!;
    const style = getComputedStyle(document.body);
    const { width, height } = this.#canvas;
    context.drawImage(this.#mask, 0, 0);
    context.globalCompositeOperation = 'multiply';
    context.fillStyle = style.getPropertyValue('--vscode-charts-blue') || 'white';
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = 'source-over';
    if (!this.#focused) return;
    context.strokeStyle = style.getPropertyValue('--vscode-focusBorder') || 'white';
    const [x, y] = this.#cursor;
    context.strokeRect(x - RADIUS + 0.5, y - RADIUS + 0.5, 2 * RADIUS, 2 * RADIUS);
  }
}

customElements.define('mask-canvas', MaskCanvas);
