import path from 'node:path';
import * as vscode from 'vscode';
import {
  type CancellationToken,
  type Disposable,
  LanguageModelTextPart,
  type LanguageModelTool,
  type LanguageModelToolInvocationOptions,
  type LanguageModelToolInvocationPrepareOptions,
  LanguageModelToolResult,
  lm,
  MarkdownString,
  type PreparedToolInvocation,
  Uri,
  workspace,
} from 'vscode';
import { BoundedFolders } from '../../agents/folders.ts';
import type { AgentTool, Answer } from '../../agents/tool.ts';
import { AGENT_TOOLS } from '../../agents/tools/index.ts';
import { InputError } from '../../engine/errors.ts';
import type { Engine } from '../../shared/api.ts';
import { editWithSettings, withSettings } from '../requests.ts';
import { outputFolder } from '../settings.ts';

/** Lets chat agents use Patchwork, each time with the user's consent. Their names and schemas are in package.json. */
export function registerTools(engine: Engine, storage: Uri): Disposable[] {
  return AGENT_TOOLS.map((tool) =>
    lm.registerTool(`patchwork_${tool.name}`, new ConfirmedTool(tool, engine, storage)),
  );
}

class ConfirmedTool implements LanguageModelTool<object> {
  readonly #tool: AgentTool;
  readonly #engine: Engine;
  readonly #storage: Uri;

  constructor(tool: AgentTool, engine: Engine, storage: Uri) {
    this.#tool = tool;
    this.#engine = engine;
    this.#storage = storage;
  }

  async prepareInvocation({
    input,
  }: LanguageModelToolInvocationPrepareOptions<object>): Promise<PreparedToolInvocation> {
    const { folders } = foldersOf(this.#storage);
    const { title, about, text } = await this.#tool.question(this.#checked(input), folders);
    const message = new MarkdownString().appendText(`${text}\n`).appendCodeblock(about, 'text');
    return { invocationMessage: this.#tool.title, confirmationMessages: { title, message } };
  }

  async invoke(
    { input }: LanguageModelToolInvocationOptions<object>,
    token: CancellationToken,
  ): Promise<LanguageModelToolResult> {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    const { folders, first } = foldersOf(this.#storage);
    const answer = await this.#tool.run(
      this.#checked(input),
      {
        engine: this.#engine,
        folders,
        settings: { generate: withSettings, edit: (request) => editWithSettings(request, first) },
      },
      { signal: controller.signal },
    );
    return new LanguageModelToolResult([
      new LanguageModelTextPart(JSON.stringify(withAddress(answer.result))),
      ...imagePart(answer),
    ]);
  }

  /** @throws InputError with what is wrong first */
  #checked(input: unknown): Record<string, unknown> {
    const parsed = this.#tool.schema.safeParse(input ?? {});
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new InputError(`${issue!.path.join('.') || 'The input'}: ${issue!.message}`);
  }
}

/** The folders of the workspace, or the extension's own if none is open that is on a disk. */
function foldersOf(storage: Uri): { folders: BoundedFolders; first: Uri } {
  const open = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const [first] = open;
  if (!first) return { folders: new BoundedFolders([storage.fsPath], 'chat'), first: storage };
  const settings = workspace.getConfiguration('patchwork', first.uri);
  const output = path.join(...outputFolder((name) => settings.get(name)));
  return {
    folders: new BoundedFolders(
      open.map(({ uri }) => uri.fsPath),
      output,
    ),
    first: first.uri,
  };
}

/** With the address of a file that was written, by which editors and links find it. */
function withAddress(result: Answer['result']): Answer['result'] {
  return typeof result.path === 'string' ? { ...result, uri: Uri.file(result.path).toString() } : result;
}

type DataPart = { image(data: Uint8Array, mimeType: string): LanguageModelTextPart };

/** The image itself, where VS Code can hand it to the model (1.105 and later). */
function imagePart({ image }: Answer): LanguageModelTextPart[] {
  const part = (vscode as unknown as { LanguageModelDataPart?: DataPart }).LanguageModelDataPart;
  return part && image ? [part.image(image.bytes, `image/${image.format}`)] : [];
}
