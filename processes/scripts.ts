import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A script that runs in a process of its own, and Node's flags for it. */
export interface Script {
  script: string;
  execArgv?: string[];
}

/**
 * The script of a process: `process.ts` beside the module that starts it among the sources, else `dist/<name>.mjs`.
 * @param here `import.meta.url` of that module
 */
export function scriptOf(name: string, here: string): Script {
  const file = fileURLToPath(here);
  if (file.endsWith('.ts'))
    return { script: path.join(path.dirname(file), 'process.ts'), execArgv: ['--import', 'tsx'] };
  const places = [path.dirname(file), path.dirname(path.dirname(file))];
  const script = places.map((place) => path.join(place, `${name}.mjs`)).find((place) => existsSync(place));
  if (!script) throw new Error(`dist/${name}.mjs is missing: build or reinstall Patchwork`);
  return { script };
}
