/** A toy Stable Diffusion 1 in a folder of another tool, with everything that people have beside it. */
import fs from 'node:fs';
import path from 'node:path';
import {
  writeCheckpoint,
  writeControlModels,
  writeLora,
  writeReferenceModel,
  writeTrainedWord,
} from '../support/checkpoints.ts';
import { until, type Workbench } from './harness.ts';
import { pictureFacts } from './picture.ts';
import { ViewUnderTest } from './viewPage.ts';

export class ToolFolder {
  readonly #vscode: Workbench;
  readonly view: ViewUnderTest;
  readonly models: string;

  constructor(vscode: Workbench) {
    this.#vscode = vscode;
    this.view = new ViewUnderTest(vscode);
    this.models = path.join(path.dirname(vscode.workspace), 'ComfyUI/models');
  }

  /** Writes the files, and lets the settings name the folder and its model. */
  async fill(): Promise<void> {
    const { models } = this;
    const checkpoint = path.join(models, 'diffusers/tiny');
    await writeCheckpoint(checkpoint, 'sd15');
    await writeLora(path.join(models, 'loras/ink.safetensors'), {
      'modelspec.trigger_phrase': 'ink drawing, black lines',
    });
    await writeTrainedWord(path.join(models, 'embeddings/moody.safetensors'));
    await writeControlModels(path.join(models, 'controlnet'));
    await writeReferenceModel(path.join(models, 'ipadapter'));
    await this.#vscode.set('patchwork.modelFolders', [path.dirname(models)]);
    await this.#vscode.set('patchwork.model', checkpoint);
    await this.#vscode.set('patchwork.steps', 2);
    await this.#vscode.set('patchwork.size', '64x64');
  }

  /** A row of VS Code's list. */
  choice(text: string) {
    return this.#vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  }

  /** A list of the form. */
  list(name: string) {
    return this.#vscode.view.locator(`[data-list=${name}]`);
  }

  /** A row of such a list: `loras-0`. */
  row(name: string) {
    return this.#vscode.view.locator(`[data-row=${name}]`);
  }

  async open(name: string): Promise<void> {
    const isOpen = await this.list(name).evaluate((details: HTMLDetailsElement) => details.open);
    if (!isOpen) await this.list(name).locator('summary').click();
  }

  async setNumber(row: string, field: string, value: string): Promise<void> {
    await this.row(row).locator(`[data-action=${field}]`).fill(value);
    await this.row(row).locator(`[data-action=${field}]`).blur();
  }

  /** The hash of an image that the view's form makes. */
  async generated(prompt: string): Promise<string> {
    await this.view.fill({ prompt });
    const shown = () =>
      this.#vscode.view.locator('img.picture').evaluateAll(([image]) => image?.getAttribute('data-id'));
    const before = await shown();
    await this.view.generate();
    // The image before it may have the same prompt.
    await until(async () => ![before, undefined, null].includes(await shown()), 'another image');
    await this.view.shows(prompt);
    const id = await shown();
    const file = path.join(this.#vscode.globalStorage(), 'pictures', `${id}.png`);
    return (await pictureFacts(fs.readFileSync(file))).hash;
  }
}
