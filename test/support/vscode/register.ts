/** Lets modules of the extension be imported outside VS Code: `vscode` is `stub.ts`. Import this first, and them dynamically. */
import { register } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const stub = pathToFileURL(path.join(import.meta.dirname, 'stub.ts')).href;
const hook = `export const resolve = (name, context, next) =>
  name === 'vscode' ? { url: ${JSON.stringify(stub)}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
