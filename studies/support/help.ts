/** Prints the help of all studies that are named, in one process: each after a line `# STUDY`. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [node, , ...studies] = process.argv;
for (const study of studies) {
  console.log(`# ${path.parse(study).name}`);
  process.argv = [node!, study, '--help'];
  await import(pathToFileURL(study).href);
}
