import { execFile } from 'node:child_process';

/** Milliseconds that a program of the system may take to answer. */
const PATIENCE = 15_000;
const MOST_BYTES = 1 << 20;

/**
 * What a program writes to its standard output.
 * @param file its whole path, so that no file of the working folder is run in its place
 * @throws Error if it is not there, fails, says too much or takes too long
 */
export function outputOf(file: string, args: readonly string[], patience = PATIENCE): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { windowsHide: true, maxBuffer: MOST_BYTES }, (error, stdout) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(stdout);
    });
    const timer = setTimeout(() => {
      // A program that waits for a driver does not even end when it is killed.
      child.kill('SIGKILL');
      child.unref();
      reject(new Error(`${file} did not answer`));
    }, patience);
  });
}
