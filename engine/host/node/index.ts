/** What the core imports as `#host` on Node; see `../host.ts`. */
export { default as path } from 'node:path';
export type * from '../host.ts';
export { cacheFolder } from './cache-folder.ts';
export { codecs } from './codecs.ts';
export { compression } from './compression.ts';
export { fs } from './fs.ts';
export { sha1, sha256 } from './hash.ts';
export { withLock } from './hub/lock.ts';
export { hubEnvironment } from './hub/settings.ts';
export { memoryBytes } from './limits.ts';
export { modelsFolder } from './models-folder.ts';
export { nextTask } from './next-task.ts';
export { spareFolders } from './spare-folders.ts';
