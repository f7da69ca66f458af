import { randomUUID } from 'node:crypto';
import { Uri, type Webview } from 'vscode';

/** The folders that pages may load from. */
export function pageRoots(extension: Uri): Uri[] {
  return [Uri.joinPath(extension, 'dist')];
}

/** The document of the page that is bundled to `dist/<name>.js` and `dist/<name>.css`. */
export function pageHtml(webview: Webview, extension: Uri, name: string, title: string): string {
  const nonce = randomUUID();
  const file = (...path: string[]) => webview.asWebviewUri(Uri.joinPath(extension, 'dist', ...path));
  const policy = [
    `default-src 'none'`,
    // The elements library draws the corner of a text area from a data URL.
    `img-src blob: data: ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
  ].join('; ');
  // The elements library looks for the stylesheet of the icons by its id.
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <link rel="stylesheet" href="${file('codicon.css')}" id="vscode-codicon-stylesheet">
  <link rel="stylesheet" href="${file(`${name}.css`)}">
</head>
<body>
  <script nonce="${nonce}" type="module" src="${file(`${name}.js`)}"></script>
</body>
</html>`;
}
