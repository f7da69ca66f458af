import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** An edit as `python3 -m training edit-cases` writes it; paths are relative to the list. */
export interface EditCase {
  file: string;
  before: string;
  mask: string;
  prompt: string;
  seed: number;
  /** `add`: the prompt's object is painted; `remove`: what the mask covers goes. */
  way: 'add' | 'remove';
}

/** The list of cases in a folder. */
export function caseList(folder: string): string {
  return path.resolve(folder, 'cases.json');
}

export async function readCases(folder: string): Promise<EditCase[]> {
  return JSON.parse(await readFile(caseList(folder), 'utf8'));
}
