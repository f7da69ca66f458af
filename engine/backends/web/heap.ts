/** The memory of the WebAssembly module, before and after it is loaded. A heap grows and never shrinks. */
let heap: WebAssembly.Memory | undefined;

/** Notices the memory that ONNX Runtime makes; call it before the module is loaded. */
export function watchHeap(): void {
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      heap = this;
    }
  };
}

/** Bytes that WebAssembly holds, which is also their peak. */
export function heapBytes(): number {
  return heap?.buffer.byteLength ?? 0;
}
