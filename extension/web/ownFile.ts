import { type Uri, workspace } from 'vscode';
import { compiled } from '../../engine/backends/web/code.ts';

/**
 * A file of the extension: over HTTP, where VS Code's worker of extensions knows its address, since megabytes through
 * VS Code's file system pass through the window's thread.
 */
export async function ownFile(uri: Uri): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await responseOf(uri)).arrayBuffer());
}

/** A file of the extension that is WebAssembly. */
export async function ownCode(uri: Uri): Promise<WebAssembly.Module> {
  return compiled(await responseOf(uri));
}

async function responseOf(uri: Uri): Promise<Response> {
  const response = await fetch(uri.toString()).catch(() => undefined);
  return response?.ok ? response : new Response(new Uint8Array(await workspace.fs.readFile(uri)));
}
