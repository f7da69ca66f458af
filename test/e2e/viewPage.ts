/** The Patchwork view, as the tests see and use it. */
import type { Workbench } from './harness.ts';

/** Images take seconds, on a fast machine too, and minutes on a busy one. */
export const PICTURE = 600_000;

export class ViewUnderTest {
  readonly #vscode: Workbench;

  constructor(vscode: Workbench) {
    this.#vscode = vscode;
  }

  get view() {
    return this.#vscode.view;
  }

  async open(): Promise<void> {
    await this.#vscode.inHost(({ commands }) => commands.executeCommand('patchwork.openView'));
    await this.view.locator('#prompt textarea').waitFor({ timeout: PICTURE });
  }

  /** Fills fields of the form by their ids. */
  async fill(fields: Record<string, string>): Promise<void> {
    const { prompt, ...others } = fields;
    if (prompt !== undefined) await this.view.locator('#prompt textarea').fill(prompt);
    for (const [id, value] of Object.entries(others)) await this.view.locator(`#${id} input`).fill(value);
  }

  async generate(): Promise<void> {
    await this.view.locator('[data-action=generate]').click();
  }

  async idle(): Promise<void> {
    await this.view.locator('main[data-state=idle]').waitFor({ timeout: PICTURE });
  }

  /** The prompt of a finished image that is shown. */
  async shows(prompt: string): Promise<void> {
    await this.idle();
    await this.view.locator(`img.picture[alt="${prompt}"]`).waitFor({ timeout: PICTURE });
  }

  async recipe(label: string): Promise<string | null> {
    return await this.view.locator(`[data-recipe="${label}"]`).textContent();
  }

  async notice(text: string): Promise<void> {
    await this.view.locator('[data-test=notice]', { hasText: text }).waitFor();
  }
}
