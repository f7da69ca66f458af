// Writes what of package.json follows from TypeScript (extension/contributions.ts): settings, what untrusted workspaces may
// not set, what language model tools take.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withContributions } from '../extension/contributions.ts';

const file = path.join(import.meta.dirname, '..', 'package.json');
const manifest = JSON.parse(readFileSync(file, 'utf8'));
writeFileSync(file, `${JSON.stringify(withContributions(manifest), undefined, 2)}\n`);
