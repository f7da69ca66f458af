import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.dirname(import.meta.dirname);
const ROOMS = [
  ...['agents', 'cli', 'docs', 'engine', 'examples', 'extension', 'media', 'processes', 'samples', 'scripts'],
  ...['shared', 'studies', 'test', 'training', 'webview'],
];
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...['docs', 'examples', 'samples', 'studies', 'test', 'training'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => path.join(folder, name)),
  ),
];
const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

for (const name of DOCUMENTS) {
  const text = readFileSync(path.join(ROOT, name), 'utf8');
  test(`${name}: links lead somewhere`, () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    const dead = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [file, anchor] = target.split('#') as [string, string?];
      const place = file === '' ? path.join(ROOT, name) : path.join(ROOT, path.dirname(name), file);
      return !existsSync(place) || (anchor !== undefined && !anchorsOf(place).has(anchor));
    });
    assert.deepEqual(dead, []);
  });
  test(`${name}: files that it names exist`, () => {
    const paths = new RegExp(`(?<![\\w./-])(?:${ROOMS.join('|')})/[\\w./-]*\\w`, 'g');
    // A path may end in a pattern, efficientvit*.ts, or in a placeholder, NAME.ts.
    const missing = [...text.matchAll(paths)]
      .map(([found]) => found)
      .filter((found) => !/[A-Z]{3}/.test(path.basename(found, path.extname(found))))
      .filter((found) => !existsSync(path.join(ROOT, found)) && !startsName(path.join(ROOT, found)));
    assert.deepEqual(missing, []);
  });
  test(`${name}: npm scripts that it names exist`, () => {
    for (const [, script] of text.matchAll(/npm run (?:-s )?([a-z]\w*)/g))
      assert.ok(script! in scripts, `npm run ${script}`);
  });
}

test('every row of the files that are read names a test that is there', () => {
  const text = readFileSync(path.join(ROOT, 'docs/models.md'), 'utf8');
  const [, section = ''] = /### Which files are read\n([\s\S]*?)\n#/.exec(text) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:file|---) /.test(line));
  assert.ok(rows.length > 15);
  for (const row of rows) {
    const tests = row.split(' | ').at(-1)!.replace(/ \|$/, '').split('; ');
    for (const named of tests) {
      const [, file, words] = /^`(\S+\.test\.ts)`: (.+)$/.exec(named) ?? [];
      assert.ok(file && words, row);
      const titles = readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^ *test\((['`])(.*?)\1,/gm);
      assert.ok(
        [...titles].some(([, , title]) => title!.includes(words)),
        `${named}, of ${row}`,
      );
    }
  }
});

/** Whether a file's name begins so, before a pattern. */
function startsName(place: string): boolean {
  const folder = path.dirname(place);
  return existsSync(folder) && readdirSync(folder).some((file) => file.startsWith(path.basename(place)));
}

/** Anchors of a document's headings, as GitHub makes them. */
function anchorsOf(file: string): Set<string> {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
