/** What the core imports as `#host` in a browser; see `../host.ts`. */
export type * from '../host.ts';
export { codecs } from './codecs.ts';
export { compression } from './compression.ts';
export { fs } from './fs.ts';
export { sha1, sha256 } from './hash.ts';
export { hubEnvironment, withLock } from './hub.ts';
export { cacheFolder, memoryBytes, modelsFolder, nextTask, spareFolders } from './machine.ts';
export { path } from './path.ts';
