/** Inputs that once caused a fault, shrunk as far as possible: a file each, replayed by the short run. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';

const FOLDER = path.resolve(import.meta.dirname, '../fixtures/regressions');

interface Regression {
  target: string;
  /** The input for people. */
  shown: string;
  /** The input serialized by `node:v8`, in base64. */
  value: string;
}

/** Stores an input of a target; returns its file. */
export function keepRegression(target: string, value: unknown): string {
  const name = target
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
  mkdirSync(FOLDER, { recursive: true });
  const number = readdirSync(FOLDER).filter((other) => other.startsWith(`${name}-`)).length + 1;
  const file = path.join(FOLDER, `${name}-${number}.json`);
  const kept: Regression = { target, shown: fc.stringify(value), value: serialize(value).toString('base64') };
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
  return file;
}

/** All of them: the file's name, the target's, and the input. */
export function regressions(): { file: string; target: string; value: unknown }[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const { target, value }: Regression = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8'));
      return { file, target, value: deserialize(Buffer.from(value, 'base64')) };
    });
}
