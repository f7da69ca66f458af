/** Compares the model folders of a server with their reference tensors, in a worker, by the web backend. */
import { WebBackend } from '../../engine/host/web/backend.ts';
import { mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { ResourceStore } from '../../engine/host/web/resource-store.ts';
import { verify } from '../../engine/verification/verify.ts';

interface Task {
  binary: ArrayBuffer;
  glue?: string;
  base: string;
  sizes: Record<string, number>;
  folders: string[];
}

self.onmessage = async ({ data }: MessageEvent<Task>) => {
  try {
    mount('/data', new MemoryStore());
    const read = async (place: string) =>
      new Uint8Array(await (await fetch(data.base + place)).arrayBuffer());
    mount('/parity', new ResourceStore(read, data.sizes));
    const backend = new WebBackend(data);
    const results: Record<string, unknown> = {};
    for (const folder of data.folders) results[folder] = await verify(`/parity/${folder}`, backend);
    self.postMessage({ results });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
