/** A page on a server of this checkout, in a headless browser. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findBrowser, withoutBrowser } from '../../scripts/vscode/browser.ts';
import { engineOptions } from '../../scripts/web.mjs';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const FOLDERS = ['dist/web', 'test/fixtures'];

const ISOLATED = [
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-embedder-policy', 'require-corp'],
] as const;

export interface TestPage {
  page: Page;
  close(): Promise<void>;
}

/** Why the tests are skipped, if there is no browser; in CI they fail. */
export function skipReason(): string | false {
  if (findBrowser()) return false;
  const { code, sentence } = withoutBrowser(process.env);
  return code === 0 && sentence;
}

/** The bundle of a script of this folder. */
export async function bundled(name: string): Promise<string> {
  const { outputFiles } = await build({
    ...engineOptions,
    format: 'iife',
    entryPoints: [path.join(import.meta.dirname, name)],
    write: false,
  });
  return outputFiles[0]!.text;
}

/**
 * Leaves WebAssembly as it is compiled at first. Optimizing ONNX Runtime takes some ten seconds of the processor in each
 * page, longer than tests compute with it.
 */
export const UNOPTIMIZED = '--js-flags=--liftoff-only';

/** A GPU made of software. */
export const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Makes a browser one whose WebAssembly cannot wait for promises. */
export const WITHOUT_JSPI = 'delete WebAssembly.Suspending; delete WebAssembly.promising;';

/** Takes what Chromium had years before other browsers out of a page or worker. */
export const WITHOUT_NEWER = `
  const drop = (owner, ...names) => { for (const name of names) if (owner) delete owner[name]; };
  drop(AbortSignal, 'any');
  drop(ReadableStream.prototype, Symbol.asyncIterator, 'values');
  drop(globalThis.StorageManager?.prototype, 'estimate');
  drop(Object.getPrototypeOf(navigator), 'deviceMemory', 'gpu');
  drop(WebAssembly, 'compileStreaming', 'instantiateStreaming', 'Suspending', 'promising');
  drop(Iterator.prototype, 'map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find');
  drop(Set.prototype, 'union', 'intersection', 'difference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom');
  drop(Promise, 'withResolvers', 'try');
  drop(Object, 'groupBy');
  drop(Array, 'fromAsync');
  drop(Uint8Array, 'fromBase64', 'fromHex');
  drop(globalThis, 'ImageDecoder', 'scheduler', 'requestIdleCallback', 'Float16Array');
`;

export interface PageOptions {
  /** Isolates the page from other origins, which lets it share memory between threads. */
  isolated?: boolean;
  /** What is behind # in the page's address. */
  hash?: string;
  /** Flags of the browser. */
  flags?: readonly string[];
}

/** Opens an empty page with `script` run in it. */
export async function openPage(
  script: string,
  { isolated = false, hash = '', flags = [] }: PageOptions = {},
): Promise<TestPage> {
  const server = http.createServer((request, response) => {
    const place = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname).slice(1);
    const file = path.join(ROOT, place);
    if (isolated) for (const [name, value] of ISOLATED) response.setHeader(name, value);
    const isServed = FOLDERS.some((folder) => file.startsWith(path.join(ROOT, folder) + path.sep));
    if (place === '') return void response.setHeader('content-type', 'text/html').end('<!doctype html>');
    if (!isServed || !fs.existsSync(file)) return void response.writeHead(404).end();
    fs.createReadStream(file).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    server.close();
  };
  try {
    browser = await chromium.launch({
      executablePath: findBrowser(),
      args: ['--no-sandbox', UNOPTIMIZED, ...flags],
    });
    const page = await browser.newPage();
    await page.addInitScript('globalThis.__name = (named) => named');
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/#${hash}`);
    if (script) await page.addScriptTag({ content: script });
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}
