import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { bytesFor, compiled } from './code.ts';

/** The smallest module. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const { compileStreaming, instantiate } = WebAssembly;
afterEach(() => {
  Object.assign(WebAssembly, { compileStreaming, instantiate });
});

const answered = (type: string) => new Response(EMPTY, { headers: { 'content-type': type } });

test('code is compiled while it arrives, if the server and the browser can', async () => {
  let streamed = 0;
  const counting = (response: Response) => {
    streamed++;
    return compileStreaming(response);
  };
  Object.assign(WebAssembly, { compileStreaming: counting });
  for (const [type, expected] of [
    ['application/wasm', 1],
    ['text/plain', 1],
  ] as const) {
    assert.ok((await compiled(answered(type))) instanceof WebAssembly.Module, type);
    assert.equal(streamed, expected, type);
  }
  Object.assign(WebAssembly, { compileStreaming: undefined });
  assert.ok((await compiled(answered('application/wasm'))) instanceof WebAssembly.Module);
});

test('compiled code runs where bytes are expected, and other bytes still do', async () => {
  const code = await WebAssembly.compile(EMPTY);
  const bytes = bytesFor(code);
  const own = await WebAssembly.instantiate(bytes);
  assert.equal(own.module, code);
  assert.ok(own.instance instanceof WebAssembly.Instance);
  assert.notEqual((await WebAssembly.instantiate(EMPTY)).module, code);
});
