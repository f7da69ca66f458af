import { fs } from './fs.ts';

/** The start of a text file, a few megabytes at most. @throws the system's error; ENOTREG for a pipe or a device */
export async function readStart(file: string): Promise<string> {
  for await (const chunk of fs.chunks(file)) return new TextDecoder().decode(chunk);
  return '';
}
