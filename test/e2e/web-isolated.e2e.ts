/** Patchwork as a web extension in a window that is isolated from other origins, with models from the hub. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { catalogueEntry } from '../../engine/models/catalogue.ts';
import { writeCheckpoint } from '../support/checkpoints.ts';
import { cutAfter, type Hub, startHub } from '../support/hub.ts';
import { openWorkbench, type Workbench } from './harness.ts';
import { storyIn } from './story.ts';
import { PICTURE, ViewUnderTest } from './viewPage.ts';
import { AS_WEB_EXTENSION } from './webHost.ts';

const LAKE = 'a red house by a lake at sunset';
const ID = 'nota-ai/bk-sdm-tiny';
const UNET = 'unet/diffusion_pytorch_model.safetensors';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-e2e-web-'));
let hub: Hub;
let front: https.Server;
let vscode: Workbench;
let view: ViewUnderTest;
const step = storyIn(() => vscode);

before(async () => {
  await writeCheckpoint(path.join(home, 'bk'), 'bk-sdm-tiny');
  const commit = catalogueEntry(ID)!.revision;
  hub = await startHub({ [ID]: { folder: path.join(home, 'bk'), licence: 'creativeml-openrail-m', commit } });
  front = await frontOf(hub);
  const { port } = front.address() as AddressInfo;
  const settings = {
    ...AS_WEB_EXTENSION,
    'patchwork.size': '128x128',
    'patchwork.steps': 4,
  };
  const flags = [`--host-resolver-rules=MAP huggingface.co 127.0.0.1:${port}`, '--ignore-certificate-errors'];
  vscode = await openWorkbench({}, settings, { isolated: true, flags });
  view = new ViewUnderTest(vscode);
});
after(async () => {
  await vscode?.close();
  front?.close();
  await hub?.close();
  fs.rmSync(home, { recursive: true, force: true });
});

/** The hub at the address of the real one, which a browser has no other name for. */
async function frontOf({ endpoint }: Hub): Promise<https.Server> {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(home, name)) as [string, string];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=huggingface.co', '-days', '1'];
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = https.createServer(
    { key: fs.readFileSync(key), cert: fs.readFileSync(cert) },
    ({ method, headers, url }, response) => {
      const passed = http.request(`${endpoint}${url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy()).end();
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** How many workers have computed the image in the gallery, as its description there says. */
function workersOfImage(): number {
  const folder = path.join(vscode.globalStorage(), 'pictures');
  const [description] = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  const { workers = [] } = JSON.parse(fs.readFileSync(path.join(folder, description!), 'utf8'));
  return workers.length;
}

async function choose(button: string): Promise<string> {
  await vscode.run('Patchwork: Manage Models…');
  await vscode.page.getByPlaceholder('Choose a model, or download one').fill(ID);
  await vscode.page.locator('.quick-input-list .monaco-list-row', { hasText: ID }).first().click();
  const dialog = vscode.page.locator('.monaco-dialog-box');
  await dialog.waitFor({ timeout: PICTURE });
  const text = (await dialog.textContent()) ?? '';
  await dialog.getByRole('button', { name: button, exact: true }).click();
  return text;
}

const told = (text: string) =>
  vscode.page.locator('.notifications-toasts', { hasText: text }).first().waitFor({ timeout: PICTURE });

step('the window is isolated, and two workers share an image', async () => {
  assert.ok(await vscode.page.evaluate(() => globalThis.crossOriginIsolated));
  // A setting of the machine, which a server's window does not take from the user's.
  await vscode.set('patchwork.workers', 2);
  await vscode.run('Patchwork: Generate Image…');
  await vscode.page.getByPlaceholder('What should the image show?').fill(LAKE);
  await vscode.page.keyboard.press('Enter');
  await view.shows(LAKE);
  await vscode.screenshot('web-isolated');
  assert.equal(workersOfImage(), 2);
  assert.equal(await vscode.view.getByText('cannot share memory').count(), 0);
});

step('a model whose download is cut continues where it stopped', async () => {
  hub.fault = cutAfter(UNET, 30_000);
  assert.match(await choose('Download'), /the browser lets this site keep another/);
  await told('continues where it stopped');
  await vscode.screenshot('web-cut');
  hub.fault = () => undefined;
  hub.requests.length = 0;
  assert.match(await choose('Download'), /Licence: creativeml-openrail-m/);
  await told(`Model set to ${ID}`);
  assert.ok(hub.requests.some(({ file, path }) => file === UNET && !path.includes('/resolve/')));
});
