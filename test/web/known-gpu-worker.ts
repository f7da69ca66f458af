/** For the worker of the extension, in whose storage the extension looks. */
import { mount } from '../../engine/host/web/fs.ts';
import { openOpfs } from '../../engine/host/web/opfs-store.ts';
import { rememberGpu } from './known-gpu.ts';

Object.assign(globalThis, {
  async rememberGpu() {
    mount('/data', (await openOpfs('patchwork'))!);
    await rememberGpu();
  },
});
