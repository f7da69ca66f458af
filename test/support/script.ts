import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the bundles' map, or undefined among the sources: see `scripts/testBundles.mjs`. */
const BUNDLED = import.meta.url.endsWith('.ts') ? undefined : path.dirname(fileURLToPath(import.meta.url));

interface TestScript {
  script: string;
  /** Node's flags for it. */
  execArgv: string[];
}

/**
 * A script that a test starts in a process of its own. Where tests are bundled it is a bundle too, which starts in a
 * seventh of the processor's time.
 * @param file its source, one of those that `scripts/testBundles.mjs` bundles
 */
export function scriptOf(file: string): TestScript {
  if (!BUNDLED) return { script: file, execArgv: ['--import', 'tsx'] };
  const place = path.relative(path.dirname(BUNDLED), file).replace(/\.ts$/, '.mjs');
  return { script: path.join(BUNDLED, 'tests', place), execArgv: [] };
}
