// Writes the parts of package.json, package.nls.json and the README that follow from TypeScript: commands and their menus
// (extension/commands.ts), settings (extension/settingEntries.ts), the inputs of agents' tools (agents/tools).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withContributions, withTables, withTexts } from '../extension/contributions.ts';

const root = path.join(import.meta.dirname, '..');
rewrite('package.json', json(withContributions));
rewrite('package.nls.json', json(withTexts));
rewrite('README.md', withTables);

function rewrite(name: string, change: (text: string) => string): void {
  const file = path.join(root, name);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

function json<Content>(change: (content: Content) => Content): (text: string) => string {
  return (text) => `${JSON.stringify(change(JSON.parse(text)), undefined, 2)}\n`;
}
