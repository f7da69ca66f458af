// How often Describe Image says that it only guesses: node --import tsx scripts/describe-doubts.ts FOLDER…
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';

const engine = createEngine(new NodeRuntime());
for (const folder of process.argv.slice(2)) {
  const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g|webp)$/i.test(name));
  let guesses = 0;
  for (const name of names) {
    const { warnings } = await engine.describe({ image: await readFile(path.join(folder, name)) });
    if (warnings.length > 0) guesses++;
  }
  const share = ((100 * guesses) / names.length).toFixed(1);
  console.log(`${folder}: a guess in ${guesses} of ${names.length} pictures (${share} %)`);
}
await engine.dispose();
