/** Downloads models in a worker, as the extension does; one task after another. */

import { mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { openOpfs } from '../../engine/host/web/opfs-store.ts';
import { describePlan } from '../../engine/hub/describe.ts';
import { fetchModel, planFetch } from '../../engine/hub/fetch-model.ts';
import { hubSettings } from '../../engine/hub/settings.ts';
import { answering } from './answering.ts';

export interface Download {
  endpoint: string;
  id: string;
  /** The browser refuses storage, as in a private window. */
  refused?: boolean;
  /** What the browser says that the site may keep, in bytes; some say nothing of use. */
  quota?: number;
}

answering(async ({ endpoint, id, refused, quota }: Download) => {
  if (refused)
    navigator.storage.getDirectory = () => Promise.reject(new DOMException('refused', 'SecurityError'));
  if (quota !== undefined) navigator.storage.estimate = async () => ({ quota, usage: 0 });
  mount('/data', (await openOpfs('patchwork')) ?? new MemoryStore());
  const settings = await hubSettings({ endpoint, retryDelay: 10 });
  try {
    const plan = await planFetch(settings, { id });
    const sentences = describePlan(plan);
    const folder = await fetchModel(settings, plan);
    return { sentences, folder };
  } catch (error) {
    return { sentences: [], told: error instanceof Error ? error.message : String(error) };
  }
});
