import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { restrictedConfigurations, withContributions, withTables, withTexts } from './contributions.ts';
import { SETTINGS } from './settingEntries.ts';

const root = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const texts: Record<string, string> = JSON.parse(read('package.nls.json'));

test('package.json, its texts and the README are generated from TypeScript: else run npm run contributions', () => {
  assert.deepEqual(withContributions(manifest), manifest);
  assert.deepEqual(withTexts(texts), texts);
  assert.equal(withTables(read('README.md')), read('README.md'));
  // The order of the settings too.
  const written = JSON.stringify(manifest.contributes.configuration);
  assert.equal(written, JSON.stringify(withContributions(manifest).contributes.configuration));
});

test('every text that package.json names is there, and no other', () => {
  const named = [...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, name]) => name!);
  assert.deepEqual([...new Set(named)].sort(), Object.keys(texts).sort());
});

test('the walkthrough has no marks that VS Code would show: only bold and links', () => {
  const said = Object.entries(texts).filter(([key]) => /^walkthrough\..*description$/.test(key));
  assert.ok(said.length > 3);
  for (const [key, text] of said) assert.doesNotMatch(text.replace(/\*\*[^*]+\*\*/g, ''), /[*`_]/, key);
});

test('images that are saved in the sample workspace do not change a clone', () => {
  const { outputFolder } = SETTINGS;
  assert.match(read('.gitignore'), new RegExp(`^samples/workspace/${outputFolder.default}/$`, 'm'));
});

test('the README lists the commands of the palette, and no other', () => {
  const hidden = manifest.contributes.menus.commandPalette
    .filter(({ when }: { when: string }) => when === 'false')
    .map(({ command }: { command: string }) => command);
  const listed = [...read('README.md').matchAll(/^\| \*Patchwork: (.+?)\* \|/gm)].map(([, title]) => title);
  const inPalette = manifest.contributes.commands
    .filter(({ command }: { command: string }) => !hidden.includes(command))
    .map(({ title }: { title: string }) => texts[title.replaceAll('%', '')]);
  assert.deepEqual(listed, inPalette);
});

test('the README names every setting, and what a workspace that is not trusted cannot set', () => {
  const readme = read('README.md');
  for (const name of Object.keys(SETTINGS)) assert.ok(readme.includes(`.${name}\``), name);
  const sentence = /In a workspace that is not trusted.*$/m.exec(readme)?.[0] ?? '';
  const restricted = restrictedConfigurations().map((name) => name.replace('patchwork.', ''));
  for (const name of Object.keys(SETTINGS))
    assert.equal(sentence.includes(`\`${name}\``), restricted.includes(name), name);
});
