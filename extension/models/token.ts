import { type SecretStorage, window } from 'vscode';

const KEY = 'patchwork.huggingFaceToken';

/** The access token for the Hugging Face hub, kept by VS Code. */
export class HubToken {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  async get(): Promise<string | undefined> {
    return (await this.#secrets.get(KEY)) || undefined;
  }

  /** Asks for a token; an empty answer removes the stored one. */
  async ask(): Promise<void> {
    const kept = (await this.get()) !== undefined;
    const answer = await window.showInputBox({
      title: 'Hugging Face Access Token',
      prompt: kept
        ? 'A token is kept. Enter another one, or nothing to forget it.'
        : 'Models that ask for their terms to be accepted need a token: huggingface.co, Settings, Access Tokens.',
      password: true,
      ignoreFocusOut: true,
    });
    if (answer === undefined) return;
    if (answer.trim()) await this.#secrets.store(KEY, answer.trim());
    else await this.#secrets.delete(KEY);
  }
}
