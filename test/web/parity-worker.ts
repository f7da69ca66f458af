/** Compares the model folders of a server with their reference tensors, in a worker, by the web backend. */
import { WebBackend, type WebOptions } from '../../engine/backends/web/backend.ts';
import { mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { ResourceStore } from '../../engine/host/web/resource-store.ts';
import { verify } from '../../engine/verification/verify.ts';
import { answering } from './answering.ts';

export interface Task extends WebOptions {
  base: string;
  sizes: Record<string, number>;
  folders: readonly string[];
}

answering(async (data: Task) => {
  mount('/data', new MemoryStore());
  const read = async (place: string) => new Uint8Array(await (await fetch(data.base + place)).arrayBuffer());
  mount('/parity', new ResourceStore(read, data.sizes));
  const backend = new WebBackend(data);
  const results: Record<string, Awaited<ReturnType<typeof verify>>> = {};
  for (const folder of data.folders) results[folder] = await verify(`/parity/${folder}`, backend);
  return results;
});
