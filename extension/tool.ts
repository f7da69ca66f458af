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
import type { Engine, GenerateRequest } from '../shared/api.ts';
import { formatSeconds } from '../shared/format.ts';
import { pictureNames } from '../shared/names.ts';
import { plainText } from '../shared/plainText.ts';
import { saveToWorkspace } from './destination.ts';
import { withSettings } from './requests.ts';
import { writeUnderFreeName } from './save.ts';

export const TOOL_NAME = 'patchwork_generate_image';

/** What a language model may ask for; its schema is in package.json. */
type ToolInput = Pick<GenerateRequest, 'prompt' | 'negativePrompt' | 'seed' | 'width' | 'height' | 'steps'>;

const OTHERS = [
  ['negativePrompt', 'Negative prompt'],
  ['seed', 'Seed'],
  ['width', 'Width'],
  ['height', 'Height'],
  ['steps', 'Steps'],
] as const;

/** Lets chat agents make pictures. They land in the output folder, or in `storage` if no folder is open. */
export class GenerateImageTool implements LanguageModelTool<ToolInput> {
  readonly #engine: Engine;
  readonly #storage: Uri;

  constructor(engine: Engine, storage: Uri) {
    this.#engine = engine;
    this.#storage = storage;
  }

  prepareInvocation({ input }: LanguageModelToolInvocationPrepareOptions<ToolInput>): PreparedToolInvocation {
    const prompt = typeof input?.prompt === 'string' ? input.prompt : '';
    const message = new MarkdownString(
      'Patchwork makes this picture on your machine and saves it as a PNG file:\n',
    );
    message.appendCodeblock(prompt, 'text');
    const others = OTHERS.flatMap(([name, title]) => {
      const value: unknown = input?.[name];
      return value === undefined ? [] : [`${title}: ${plainText(String(value))}`];
    });
    if (others.length > 0) message.appendCodeblock(others.join('\n'), 'text');
    return {
      invocationMessage: 'Generating a picture',
      confirmationMessages: { title: 'Generate a picture?', message },
    };
  }

  async invoke(
    { input }: LanguageModelToolInvocationOptions<ToolInput>,
    token: CancellationToken,
  ): Promise<LanguageModelToolResult> {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    const { picture, recipe, seconds, warnings } = await this.#engine.generate(
      withSettings(requestOf(input)),
      {
        signal: controller.signal,
      },
    );
    const file =
      (await saveToWorkspace(recipe, picture.png)) ??
      (await writeUnderFreeName(
        workspace.fs,
        Uri.joinPath(this.#storage, 'chat'),
        pictureNames(recipe.prompt, recipe.seed),
        picture.png,
      ));
    const answer = {
      file: workspace.asRelativePath(file),
      uri: file.toString(),
      recipe,
      time: formatSeconds(seconds),
      warnings,
    };
    return new LanguageModelToolResult([
      new LanguageModelTextPart(JSON.stringify(answer)),
      ...dataPart(picture.png),
    ]);
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
