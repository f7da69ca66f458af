/** Lists of prompts, as `python3 -m training prompts` writes them, and of the images drawn for them. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What an image must show to count as right. */
interface Expected {
  /** Kind and colour of each object. */
  kinds: [string, string][];
  terrain: string;
  time: string;
  weather: string;
}

export interface Prompt {
  prompt: string;
  seed: number;
  expected: Expected;
}

/** An image drawn for a prompt; `python3 -m training score` reads lists of them. */
export interface Drawn {
  /** An absolute path. */
  file: string;
  prompt: string;
  expected: Expected;
}

/** The 200 prompts that no training caption has. */
export const UNSEEN = path.join(import.meta.dirname, '../../training/prompts/unseen.json');

/** At most `count` prompts of a list, from its beginning. */
export async function readPrompts(list: string, count = Number.POSITIVE_INFINITY): Promise<Prompt[]> {
  return (JSON.parse(await readFile(list, 'utf8')) as Prompt[]).slice(0, count);
}

export async function readDrawn(list: string): Promise<Drawn[]> {
  return JSON.parse(await readFile(list, 'utf8'));
}

/** Writes FOLDER/pictures.json. */
export async function writeDrawn(folder: string, drawn: readonly Drawn[]): Promise<void> {
  await writeFile(path.join(folder, 'pictures.json'), JSON.stringify(drawn, undefined, 1));
}

/** The file of the i-th image in a folder. */
export function drawnFile(folder: string, i: number): string {
  return path.resolve(folder, `${String(i).padStart(3, '0')}.png`);
}
