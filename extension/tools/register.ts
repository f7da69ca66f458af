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
import { placedPath, uriOf } from '../storedUri.ts';

interface ToolOptions {
  engine: Engine;
  /** The extension's own folder. */
  storage: Uri;
  /** See `Platform`. */
  pathOf: (folder: Uri) => string | undefined;
}

/** Lets chat agents use Patchwork, each time with the user's consent. Their names and schemas are in package.json. */
export function registerTools(options: ToolOptions): Disposable[] {
  return AGENT_TOOLS.map((tool) =>
    lm.registerTool(`patchwork_${tool.name}`, new ConfirmedTool(tool, options)),
  );
}

class ConfirmedTool implements LanguageModelTool<object> {
  readonly #tool: AgentTool;
  readonly #options: ToolOptions;

  constructor(tool: AgentTool, options: ToolOptions) {
    this.#tool = tool;
    this.#options = options;
  }

  async prepareInvocation({
    input,
  }: LanguageModelToolInvocationPrepareOptions<object>): Promise<PreparedToolInvocation> {
    const { folders } = foldersOf(this.#options);
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
    const { folders, first } = foldersOf(this.#options);
    const answer = await this.#tool.run(
      this.#checked(input),
      {
        engine: this.#options.engine,
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

/** The folders of the workspace, or the extension's own if none is open that paths lead to. */
function foldersOf({ storage, pathOf }: ToolOptions): { folders: BoundedFolders; first: Uri } {
  const open = (workspace.workspaceFolders ?? []).flatMap(({ uri }) => {
    const root = pathOf(uri);
    return root === undefined ? [] : [{ uri, root }];
  });
  const [first] = open;
  if (!first) {
    const root = pathOf(storage) ?? storage.fsPath;
    return { folders: new BoundedFolders([root], 'chat', inPlace), first: storage };
  }
  const settings = workspace.getConfiguration('patchwork', first.uri);
  const output = path.join(...outputFolder((name) => settings.get(name)));
  const roots = open.map(({ root }) => root);
  return { folders: new BoundedFolders(roots, output, inPlace), first: first.uri };
}

/** The path of an address such as `vscode-vfs://github/…`, if it is known here. */
function inPlace(address: string): string | undefined {
  try {
    return placedPath(Uri.parse(address));
  } catch {
    return undefined;
  }
}

/** With the address of a file that was written, by which editors and links find it, and its path if it is on a disk. */
function withAddress({ path, ...result }: Answer['result']): Answer['result'] {
  if (typeof path !== 'string') return result;
  const uri = uriOf(path);
  return { ...result, ...(uri.scheme === 'file' && { path }), uri: uri.toString() };
}

type DataPart = { image(data: Uint8Array, mimeType: string): LanguageModelTextPart };

/** The image itself, where VS Code can hand it to the model (1.105 and later). */
function imagePart({ image }: Answer): LanguageModelTextPart[] {
  const part = (vscode as unknown as { LanguageModelDataPart?: DataPart }).LanguageModelDataPart;
  return part && image ? [part.image(image.bytes, `image/${image.format}`)] : [];
}
