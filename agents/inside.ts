import path from 'node:path';

/** Whether a path is another one or is below it, by their names alone. */
export function isInside(folder: string, target: string, system: path.PlatformPath = path): boolean {
  const way = system.relative(folder, target);
  return way === '' || !(system.isAbsolute(way) || way === '..' || way.startsWith(`..${system.sep}`));
}
