import posix from 'path-browserify';
import type { Paths } from '../host.ts';

/** POSIX paths; there is no working directory but the root. */
export const path: Paths = {
  join: posix.join,
  resolve: (...parts) => posix.resolve('/', ...parts),
  dirname: posix.dirname,
  basename: posix.basename,
  extname: posix.extname,
  relative: posix.relative,
  isAbsolute: posix.isAbsolute,
  sep: '/',
};
