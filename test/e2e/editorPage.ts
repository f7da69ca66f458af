/** The picture editor's page, as the tests see and use it. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import type { Stage } from '../../webview/editor/stage.ts';
import { until, type Workbench } from './harness.ts';

export type Layer = 'current' | 'before';
type LayerName = 'mask' | 'painted' | 'hover' | 'control' | 'colours';

export class EditorUnderTest {
  readonly #vscode: Workbench;

  constructor(vscode: Workbench) {
    this.#vscode = vscode;
  }

  get view() {
    return this.#vscode.view;
  }

  open(name: string): Promise<void> {
    return this.openAt(pathToFileURL(path.join(this.#vscode.workspace, name)).href);
  }

  async openAt(address: string): Promise<void> {
    await this.#vscode.inHost(async ({ commands, Uri }, address) => {
      await commands.executeCommand('vscode.openWith', Uri.parse(address), 'patchwork.pictureEditor');
    }, address);
    await this.idle();
  }

  async idle(): Promise<void> {
    await this.view.locator('main.editor[data-state=idle]').waitFor();
  }

  /** The rows of the list of edits. */
  get edits() {
    return this.view.locator('.edits .edit');
  }

  /** Waits until the picture has these values; see `pixels`. */
  async shows(pixels: Buffer, what: string): Promise<void> {
    await until(async () => (await this.pixels('current')).equals(pixels), what);
  }

  /** Waits until the picture is recorded in the background. */
  async prepared(): Promise<void> {
    await this.view.locator('main.editor[data-prepared=true]').waitFor();
  }

  /** Waits until a draft of the edit is shown. */
  async drafted(): Promise<void> {
    await this.view.locator('[data-test=live]', { hasText: 'Draft in the image' }).waitFor();
  }

  async press(action: string): Promise<void> {
    await this.view.locator(`[data-action=${action}]`).first().click();
  }

  /** Drags along points given as fractions of the picture. */
  async drag(points: readonly (readonly [number, number])[]): Promise<void> {
    const sheet = (await this.view.locator('.sheet').boundingBox())!;
    const { mouse } = this.#vscode.page;
    for (const [i, [x, y]] of points.entries()) {
      await mouse.move(sheet.x + x * sheet.width, sheet.y + y * sheet.height);
      if (i === 0) await mouse.down();
    }
    await mouse.up();
  }

  async prompt(text: string): Promise<void> {
    await this.view.locator('#prompt textarea').fill(text);
  }

  /** Steps, and the key for an end of the budget's slider: `End` computes all of them, `Home` is the model's choice. */
  async spend({ steps, budget }: { steps: string; budget: 'Home' | 'End' }): Promise<void> {
    await this.view.locator('#steps input').fill(steps);
    await this.view.locator('[data-action=budget]').press(budget);
    // The page waits a moment before it has the image recorded for these; until then it is recorded for those before.
    await this.#vscode.page.waitForTimeout(1500);
  }

  /** Starts an edit; it may be finished before this returns. */
  async apply(): Promise<void> {
    const main = this.view.locator('main.editor');
    const before = await main.getAttribute('data-runs');
    await this.press('apply');
    await this.view.locator(`main.editor:not([data-runs="${before}"])`).waitFor();
  }

  /** Makes an edit. */
  async applied(): Promise<void> {
    await this.apply();
    await this.notice('Edit applied.');
    await this.idle();
  }

  async notice(text: string): Promise<void> {
    await this.view.locator('[data-test=notice]', { hasText: text }).waitFor();
  }

  /** The values of a canvas, RGBA. */
  async pixels(layer: Layer): Promise<Buffer> {
    const url = await this.view
      .locator(`.sheet canvas.${layer}`)
      .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    return await sharp(Buffer.from(url.split(',')[1]!, 'base64'))
      .ensureAlpha()
      .raw()
      .toBuffer();
  }

  /** How much each pixel is masked, or would be by a click where the pointer is; 0 … 255. Of the control layer RGB, of colours RGBA. */
  async mask(layer: LayerName = 'mask'): Promise<Buffer> {
    return Buffer.from(await this.view.locator('.stage').evaluate(maskOf, layer), 'base64');
  }

  /** Undoes a step as a user does, with the keys. */
  async pressUndo(): Promise<void> {
    await this.view.locator('.stage').focus();
    await this.#vscode.page.keyboard.press('Control+z');
  }

  /** Waits until VS Code has backed a document up: it does when the document has been left alone for a while. */
  async backedUp(since: number): Promise<void> {
    const isBackup = (name: string) =>
      !name.endsWith('.tmp') && (fs.statSync(name, { throwIfNoEntry: false })?.mtimeMs ?? 0) > since;
    await until(() => this.#vscode.workspaceStorage().some(isBackup), 'a backup');
    // It takes note of the backup a moment later.
    await this.#vscode.page.waitForTimeout(2000);
  }

  /** Which pixels are masked at all. */
  async masked(): Promise<boolean[]> {
    return Array.from(await this.mask(), (value) => value > 0);
  }

  /** The tab of the active editor is marked as changed. */
  async dirty(): Promise<boolean> {
    return await this.#vscode.inHost(
      ({ window }) => window.tabGroups.activeTabGroup.activeTab?.isDirty ?? false,
    );
  }

  async save(): Promise<void> {
    await this.#vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.files.save'));
  }

  async close(): Promise<void> {
    await this.#vscode.inHost(({ commands }) => commands.executeCommand('workbench.action.closeAllEditors'));
  }
}

/** Reads a mask of the stage, in Base64; runs in the page. */
export function maskOf(element: Element, layer: LayerName): string {
  const { [layer]: mask } = (element as Element & { stage: Pick<Stage, LayerName> }).stage;
  const { data } = mask!.raster;
  let text = '';
  for (let i = 0; i < data.length; i += 4096) text += String.fromCharCode(...data.subarray(i, i + 4096));
  return btoa(text);
}
