// Writes the parts of package.json that follow from extension/contributions.ts: settings, what untrusted workspaces may
// not set, the bounds of the language model tool.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withContributions } from '../extension/contributions.ts';

const file = path.join(import.meta.dirname, '..', 'package.json');
const manifest = JSON.parse(readFileSync(file, 'utf8'));
writeFileSync(file, `${JSON.stringify(withContributions(manifest), undefined, 2)}\n`);
