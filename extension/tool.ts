import * as vscode from 'vscode';
import {
  type CancellationToken,
  LanguageModelTextPart,
  type LanguageModelTool,
  type LanguageModelToolInvocationOptions,
  type LanguageModelToolInvocationPrepareOptions,
  LanguageModelToolResult,
  MarkdownString,
  type PreparedToolInvocation,
  Uri,
  workspace,
} from 'vscode';
import { InputError } from '../engine/errors.ts';
import type { GenerateRequest } from '../shared/api.ts';
import { formatSeconds } from '../shared/format.ts';
import { saveToWorkspace } from './destination.ts';
import { withSettings } from './requests.ts';
import type { Services } from './services.ts';

export const TOOL_NAME = 'patchwork_generate_image';

/** What a language model may ask for; its schema is in package.json. */
type ToolInput = Pick<GenerateRequest, 'prompt' | 'negativePrompt' | 'seed' | 'width' | 'height' | 'steps'>;

/** Lets chat agents make images. They land in the gallery and, if a folder is open, in its output folder. */
export class GenerateImageTool implements LanguageModelTool<ToolInput> {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  prepareInvocation({ input }: LanguageModelToolInvocationPrepareOptions<ToolInput>): PreparedToolInvocation {
    const prompt = typeof input?.prompt === 'string' ? input.prompt : '';
    const message = new MarkdownString('Patchwork will generate this image locally and save it as a PNG:\n');
    message.appendCodeblock(prompt, 'text');
    return {
      invocationMessage: 'Generating an image',
      confirmationMessages: { title: 'Generate an image?', message },
    };
  }

  async invoke(
    { input }: LanguageModelToolInvocationOptions<ToolInput>,
    token: CancellationToken,
  ): Promise<LanguageModelToolResult> {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    const { generator, gallery } = this.#services;
    const picture = await generator.generate(withSettings(requestOf(input)), { signal: controller.signal });
    const { id, recipe, seconds, warnings } = picture;
    const png = await gallery.bytes(id);
    const saved = await saveToWorkspace(recipe, png);
    if (saved) await gallery.update({ ...picture, savedAs: saved.toString() });
    // Without an open folder the gallery's own file is the answer.
    const file = saved ?? Uri.file(gallery.file(id));
    const answer = {
      file: workspace.asRelativePath(file),
      uri: file.toString(),
      recipe,
      time: formatSeconds(seconds),
      warnings,
    };
    return new LanguageModelToolResult([new LanguageModelTextPart(JSON.stringify(answer)), ...dataPart(png)]);
  }
}

/** The fields of a request, checked for their types; the engine checks their bounds. */
function requestOf(input: Partial<ToolInput> | undefined): GenerateRequest {
  const { prompt, negativePrompt, ...numbers } = input ?? {};
  if (typeof prompt !== 'string' || !prompt.trim()) throw new InputError('The prompt is missing.');
  if (negativePrompt !== undefined && typeof negativePrompt !== 'string') {
    throw new InputError('negativePrompt must be text.');
  }
  const request: GenerateRequest = { prompt, negativePrompt, previews: false };
  for (const name of ['seed', 'width', 'height', 'steps'] as const) {
    const value = numbers[name];
    if (value === undefined) continue;
    if (!Number.isInteger(value)) throw new InputError(`${name} must be a whole number.`);
    request[name] = value;
  }
  return request;
}

type DataPart = { image(data: Uint8Array, mimeType: string): LanguageModelTextPart };

/** The picture itself, where VS Code can hand it to the model (1.105 and later). */
function dataPart(png: Uint8Array): LanguageModelTextPart[] {
  const part = (vscode as unknown as { LanguageModelDataPart?: DataPart }).LanguageModelDataPart;
  return part ? [part.image(png, 'image/png')] : [];
}
