/**
 * The compiled code of an ONNX Runtime build. A response of WebAssembly's own type is compiled while it arrives, and
 * browsers may keep what they compile of it for the next visit.
 */
export async function compiled(response: Response): Promise<WebAssembly.Module> {
  const type = response.headers.get('content-type');
  const streams = type === 'application/wasm' && typeof WebAssembly.compileStreaming === 'function';
  if (streams) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * Lets ONNX Runtime, which takes bytes only, run code that is compiled already.
 * @returns what stands for its bytes
 */
export function bytesFor(code: WebAssembly.Module): ArrayBuffer {
  const { instantiate } = WebAssembly;
  const instead = async (source: BufferSource, imports?: WebAssembly.Imports) =>
    source.byteLength > 0
      ? instantiate(source, imports)
      : { module: code, instance: await instantiate(code, imports) };
  WebAssembly.instantiate = instead as typeof instantiate;
  return new ArrayBuffer(0);
}
