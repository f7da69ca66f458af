/** What the core imports as `#host` on Node; see `../host.ts`. */
export { default as path } from 'node:path';
export type * from '../host.ts';
export { cacheFolder } from './cache-folder.ts';
export { codecs } from './codecs.ts';
export { compression } from './compression.ts';
export { fs } from './fs.ts';
export { nextTask } from './next-task.ts';
export { sha256 } from './sha256.ts';
