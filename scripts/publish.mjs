// Puts the files of a build in place while processes run from them: each is replaced in one piece, if it has changed.
import fs from 'node:fs';
import path from 'node:path';

/** Milliseconds that a file of an older build is kept for processes that are still running. */
const KEPT = 7 * 24 * 3600_000;

/**
 * Writes what esbuild has made; entry points come after the chunks that they import.
 * @param begun the time that the files get: sources that changed during the build count as newer
 */
export function publish(outputFiles, begun) {
  const entriesLast = outputFiles.toSorted((a, b) => depth(b.path) - depth(a.path));
  for (const { path: file, contents } of entriesLast) {
    if (!holds(file, contents)) replace(file, contents);
    fs.utimesSync(file, begun, begun);
  }
}

/** Removes the files of a folder that builds have not made for a while. */
export function removeUnused(folder, now = Date.now()) {
  if (!fs.existsSync(folder)) return;
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    if (fs.statSync(file).mtimeMs < now - KEPT) fs.rmSync(file);
  }
}

function depth(file) {
  return file.split(path.sep).length;
}

function holds(file, contents) {
  try {
    return fs.readFileSync(file).equals(contents);
  } catch {
    return false;
  }
}

/** Renaming replaces a file in one piece. */
function replace(file, contents) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, contents);
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
